/*
 * aws.c - credentials, region and endpoint for S3 (where they are looked for: aws.h).
 */
#include "aws.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX_SIZE ((size_t)4 << 20)
#define PROCESS_TIMEOUT_MS 60000
#define EXPIRES_SOON_S 300

/* === files === */

/* "[profile x]  # comment" */
static bool is_section(const char *line, const char *section)
{
	const char *end = strchr(line, ']');
	autofree char *name = end ? xstrndup(line + 1, (size_t)(end - line - 1)) : NULL;

	return name && str_eq(str_trim(name), section);
}

char *ini_get(const char *text, const char *section, const char *key, bool *found)
{
	bool inside = false;
	char *result = NULL;

	if (found)
		*found = false;
	while (*text) {
		size_t len = strcspn(text, "\n");
		autofree char *line = xstrndup(text, len);
		char *equals = strchr(line, '='), *comment;

		text += len + (text[len] == '\n');
		if (*line == '[') {
			inside = is_section(line, section);
			if (found)
				*found = *found || inside;
		} else if (inside && equals && !strchr("#; \t", *line)) {
			*equals = '\0';
			comment = strstr(equals + 1, " #");
			if (comment)
				*comment = '\0';
			if (!str_eq(str_trim(line), key))
				continue;
			free(result);
			result = xstrdup(str_trim(equals + 1));
		}
	}
	return result;
}

/* The text of the file that `variable` names, else of `usual`; empty when there is none. */
static int read_file(const char *variable, const char *usual, struct buf *out, struct err *err)
{
	const char *named = getenv(variable);
	autofree char *path = path_expand_home(str_empty(named) ? usual : named);

	if (!fs_exists(path))
		return 0;
	return fs_read(path, out, ERR_REGISTRY, err);
}

struct files {
	struct buf credentials, config;
	char *section; /* of the profile in config */
	const char *profile;
};

/* credentials first: it is the one for secrets. */
static char *setting(const struct files *files, const char *key)
{
	char *value = ini_get(buf_str(&files->credentials), files->profile, key, NULL);

	return value ? value : ini_get(buf_str(&files->config), files->section, key, NULL);
}

/* === credential_process === */

int command_words(const char *text, struct strv *words, struct err *err)
{
	struct buf word = BUF_INIT(0);
	bool any = false; /* of this word, which may be empty in quotes */
	char quote = '\0';

	for (; *text; text++) {
		bool toggles = quote ? *text == quote : strchr("'\"", *text) != NULL;

		if (toggles) {
			quote = quote ? '\0' : *text;
			any = true;
		} else if (*text == '\\' && quote != '\'' && text[1]) {
			buf_addch(&word, *++text);
			any = true;
		} else if (!quote && strchr(" \t", *text)) {
			if (any)
				strv_push(words, buf_str(&word));
			buf_reset(&word);
			any = false;
		} else {
			buf_addch(&word, *text);
			any = true;
		}
	}
	if (any)
		strv_push(words, buf_str(&word));
	buf_release(&word);
	if (quote)
		return err_set(err, ERR_REGISTRY, "a quote is not closed");
	return words->n ? 0 : err_set(err, ERR_REGISTRY, "it is empty");
}

/* {"Version": 1, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} */
static int take_answer(struct aws *aws, const struct buf *output, struct err *err)
{
	autojson json_t *json = json_parse(buf_str(output), output->len, "its answer", err);
	const char *expires = json_str(json, "Expiration");

	if (!json)
		return -1;
	if (json_int(json, "Version") != 1 || str_empty(json_str(json, "AccessKeyId")) ||
		str_empty(json_str(json, "SecretAccessKey")))
		return err_set(err, ERR_REGISTRY,
			"it did not print Version 1, AccessKeyId and SecretAccessKey");
	free(aws->key_id);
	free(aws->secret);
	free(aws->session);
	aws->key_id = xstrdup(json_str(json, "AccessKeyId"));
	aws->secret = xstrdup(json_str(json, "SecretAccessKey"));
	aws->session = xstrdup(json_str(json, "SessionToken"));
	aws->expires = expires ? clock_parse_rfc3339(expires) : 0;
	if (aws->expires < 0)
		aws->expires = 0;
	return 0;
}

static int run_process(struct aws *aws, const char *command, struct err *err)
{
	autobuf struct buf output = BUF_INIT(65536), errors = BUF_INIT(65536);
	autostrv struct strv words = STRV_INIT;
	struct proc_spec spec = {.timeout_ms = PROCESS_TIMEOUT_MS};
	int status;

	if (command_words(command, &words, err) < 0)
		return -1;
	spec.argv = (const char *const *)words.v;
	status = proc_run(&spec, &output, &errors, err);
	if (status < 0)
		return -1;
	if (status > 0)
		return err_set(err, ERR_REGISTRY, "it ended with status %d: %.400s", status,
			errors.len ? str_trim(errors.data) : "no reason given");
	return take_answer(aws, &output, err);
}

/* === all together === */

static bool from_environment(struct aws *aws)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *session = getenv("AWS_SESSION_TOKEN");

	if (str_empty(id) || str_empty(secret))
		return false;
	aws->key_id = xstrdup(id);
	aws->secret = xstrdup(secret);
	aws->session = str_empty(session) ? NULL : xstrdup(session);
	return true;
}

/* What we do not do ourselves, and who does. */
static int refuse_others(const struct aws *aws, const struct files *files, struct err *err)
{
	static const char *const keys[] = {"sso_session", "sso_start_url", "role_arn"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		autofree char *value = setting(files, keys[i]);

		if (value)
			return err_set(err, ERR_REGISTRY,
				"the AWS profile \"%s\" uses %s; log in with the aws command, "
				"then: "
				"eval \"$(aws configure export-credentials --profile %s --format "
				"env)\"",
				aws->profile, keys[i], aws->profile);
	}
	return 0;
}

static int from_files(struct aws *aws, const struct files *files, struct err *err)
{
	autofree char *process = NULL;

	aws->key_id = setting(files, "aws_access_key_id");
	aws->secret = setting(files, "aws_secret_access_key");
	aws->session = setting(files, "aws_session_token");
	if (aws->key_id && aws->secret)
		return 0;
	process = setting(files, "credential_process");
	if (!process)
		return refuse_others(aws, files, err);
	if (run_process(aws, process, err) < 0) {
		err->kind = err->kind == ERR_FAILED ? ERR_REGISTRY : err->kind;
		return err_wrap(err, "credential_process of the AWS profile \"%s\"", aws->profile);
	}
	return 0;
}

static char *first_variable(const char *a, const char *b)
{
	const char *value = getenv(a);

	if (str_empty(value))
		value = getenv(b);
	return str_empty(value) ? NULL : xstrdup(value);
}

/* A profile that was asked for by name must be there. */
static int profile_check(const struct aws *aws, const struct files *files, struct err *err)
{
	bool a, b;

	free(ini_get(buf_str(&files->credentials), files->profile, "", &a));
	free(ini_get(buf_str(&files->config), files->section, "", &b));
	if (a || b || str_eq(aws->profile, "default"))
		return 0;
	return err_set(err, ERR_REGISTRY,
		"there is no AWS profile \"%s\" (look at AWS_PROFILE and ~/.aws/config)",
		aws->profile);
}

static int load(struct aws *aws, struct files *files, struct err *err)
{
	if (read_file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &files->credentials,
		    err) < 0 ||
		read_file("AWS_CONFIG_FILE", "~/.aws/config", &files->config, err) < 0)
		return -1;
	files->profile = aws->profile;
	files->section = str_eq(aws->profile, "default") ? xstrdup("default")
							 : xasprintf("profile %s", aws->profile);
	if (!aws->region)
		aws->region = setting(files, "region");
	if (!aws->endpoint)
		aws->endpoint = setting(files, "endpoint_url");
	if (from_environment(aws))
		return 0;
	return profile_check(aws, files, err) < 0 ? -1 : from_files(aws, files, err);
}

static int aws_load(struct aws *aws, struct err *err)
{
	struct files files = {
		.credentials = BUF_INIT(FILE_MAX_SIZE), .config = BUF_INIT(FILE_MAX_SIZE)};
	int result = load(aws, &files, err);

	buf_release(&files.credentials);
	buf_release(&files.config);
	free(files.section);
	return result;
}

void aws_set_region(struct aws *aws, const char *region)
{
	char *copy = xstrdup(region);

	free(aws->region);
	free(aws->scope);
	aws->region = copy;
	aws->scope = xasprintf("aws:amz:%s:s3", copy);
}

struct aws *aws_new(struct err *err)
{
	struct aws *aws = xcalloc(1, sizeof(*aws));
	size_t len;

	aws->profile = first_variable("AWS_PROFILE", "AWS_DEFAULT_PROFILE");
	if (!aws->profile)
		aws->profile = xstrdup("default");
	aws->region = first_variable("AWS_REGION", "AWS_DEFAULT_REGION");
	aws->endpoint = first_variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
	if (aws_load(aws, err) < 0) {
		aws_free(aws);
		return NULL;
	}
	len = aws->endpoint ? strlen(aws->endpoint) : 0;
	while (len && aws->endpoint[len - 1] == '/')
		aws->endpoint[--len] = '\0';
	return aws;
}

struct aws *aws_clone(const struct aws *aws)
{
	struct aws *clone = xcalloc(1, sizeof(*clone));

	*clone = (struct aws){.key_id = xstrdup(aws->key_id),
		.secret = xstrdup(aws->secret),
		.session = xstrdup(aws->session),
		.expires = aws->expires,
		.region = xstrdup(aws->region),
		.endpoint = xstrdup(aws->endpoint),
		.profile = xstrdup(aws->profile),
		.scope = xstrdup(aws->scope)};
	return clone;
}

int aws_refresh(struct aws *aws, struct err *err)
{
	if (!aws->expires || clock_wall() < aws->expires - EXPIRES_SOON_S)
		return 0;
	free(aws->key_id);
	free(aws->secret);
	free(aws->session);
	aws->key_id = aws->secret = aws->session = NULL;
	return aws_load(aws, err);
}

void aws_free(struct aws *aws)
{
	if (!aws)
		return;
	free(aws->key_id);
	if (aws->secret)
		explicit_bzero(aws->secret, strlen(aws->secret));
	free(aws->secret);
	free(aws->session);
	free(aws->region);
	free(aws->endpoint);
	free(aws->profile);
	free(aws->scope);
	free(aws);
}
