/* date.c - see date.h. */
#include "date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct date {
	int year, month, day, hour, minute, second;
	char fraction[11]; /* ".5", or empty */
	char zone[8];      /* "Z" or "+02:00" */
};

/* `least` to `most` digits at *text, which is moved behind them. */
static bool read_number(const char **text, int least, int most, int *out)
{
	int n = 0;

	for (*out = 0; n < most && isdigit((unsigned char)**text); n++)
		*out = *out * 10 + *(*text)++ - '0';
	return n >= least;
}

static bool read_char(const char **text, const char *any)
{
	if (!**text || !strchr(any, **text))
		return false;
	(*text)++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* ".500" is ".5": nanoseconds without the zeros at their end. May be missing. */
static void read_fraction(const char **text, char out[11])
{
	const char *digits = *text + 1;
	size_t n, kept;

	if (**text != '.' && **text != ',')
		return;
	n = strspn(digits, "0123456789");
	if (!n)
		return;
	for (kept = n < 9 ? n : 9; kept && digits[kept - 1] == '0';)
		kept--;
	if (kept)
		snprintf(out, 11, ".%.*s", (int)kept, digits);
	*text = digits + n;
}

static bool read_time(const char **text, struct date *date)
{
	if (!read_number(text, 1, 2, &date->hour) || date->hour > 23 || !read_char(text, ":") ||
		!read_number(text, 1, 2, &date->minute) || date->minute > 59 ||
		!read_char(text, ":") || !read_number(text, 1, 2, &date->second) ||
		date->second > 59)
		return false;
	read_fraction(text, date->fraction);
	return true;
}

/* "Z" or "+02:00", of which "+00:00" is "Z", too. */
static bool read_zone(const char **text, struct date *date)
{
	const char *start = *text;
	int hour = 0, minute = 0;

	if (read_char(text, "Z"))
		return true;
	if (!read_char(text, "+-") || !read_number(text, 2, 2, &hour) || hour > 24 ||
		!read_char(text, ":") || !read_number(text, 2, 2, &minute) || minute > 59)
		return false;
	if (hour || minute)
		snprintf(date->zone, sizeof(date->zone), "%.6s", start);
	return true;
}

bool date_parse(const char *text, char out[DATE_SIZE])
{
	struct date date = {.zone = "Z"};

	if (!read_number(&text, 4, 4, &date.year) || !read_char(&text, "-") ||
		!read_number(&text, 1, 2, &date.month) || date.month < 1 || date.month > 12 ||
		!read_char(&text, "-") || !read_number(&text, 1, 2, &date.day) || date.day < 1 ||
		date.day > days_in(date.year, date.month))
		return false;
	if (*text == ' ') {
		text++;
		if (!read_time(&text, &date))
			return false;
	} else if (read_char(&text, "Tt") &&
		   (!read_time(&text, &date) || !read_zone(&text, &date))) {
		return false;
	}
	if (*text)
		return false;
	if (out)
		snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", date.year, date.month,
			date.day, date.hour, date.minute, date.second, date.fraction, date.zone);
	return true;
}
