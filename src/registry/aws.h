/*
 * aws.h - whose requests they are at S3: credentials, region and endpoint, as Amazon's SDKs find
 * them ("Configuration and credential file settings in the AWS CLI", AWS SDKs reference guide).
 *
 * Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; else of the profile
 * (AWS_PROFILE, "default") its aws_access_key_id and so on in ~/.aws/credentials or ~/.aws/config
 * (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE), or what its credential_process prints.  Profiles
 * with SSO or roles need the last (aws configure export-credentials).  Without any, requests are
 * not signed: public buckets can be read so.
 */
#ifndef AWS_H
#define AWS_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct aws {
	char *key_id, *secret; /* NULL: anonymous */
	char *session;         /* or NULL */
	int64_t expires;       /* seconds since 1970 when the credentials end; 0: never */
	char *region;          /* NULL: not configured */
	char *endpoint;        /* of another server, without a slash at its end; or NULL */
	char *profile;
	char *scope; /* aws:amz:REGION:s3 */
};

/* Read environment and files. NULL with ERR_REGISTRY when what is configured cannot be used. */
struct aws *aws_new(struct err *err);
struct aws *aws_clone(const struct aws *aws);
void aws_free(struct aws *aws); /* NULL is fine */

void aws_set_region(struct aws *aws, const char *region);

/* Credentials that end within five minutes are asked for again. */
int aws_refresh(struct aws *aws, struct err *err);

/*
 * The value of `key` in [section] of an ini file as the AWS tools write it; the last one counts.
 * Indented lines belong to the key above and are none of ours. The caller's; NULL: not there.
 * *found (may be NULL): is there such a section?
 */
char *ini_get(const char *text, const char *section, const char *key, bool *found);

/* A command line in words: quotes and backslashes as in a POSIX shell, nothing else of it. */
int command_words(const char *text, struct strv *words, struct err *err);

#endif
