/*
 * masking.h - snapshots of production data: by which rules they were masked.
 *
 * A snapshot's config says "production": true when what it holds comes from production, and then
 * names the file of the rules that masked it: "masking": {"rules": NAME, "sha256": HEX}.  A
 * snapshot of production data that names none is never sent to a store; and as packs are sent
 * whole, none that is sent shares packs with one.
 *
 * Not here: masking itself.
 */
#ifndef DEVENV_MASKING_H
#define DEVENV_MASKING_H

#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>

/* Does this config say production without naming the rules that masked it? */
bool masking_lacks(const json_t *config);

/*
 * The config's "masking" for a file of rules, whatever language they are in: its name without
 * folders, and its digest. A new reference. NULL with err, ERR_SNAPSHOT: it cannot be read, or it
 * is empty.
 */
json_t *masking_of_file(const char *path, struct err *err);

#endif
