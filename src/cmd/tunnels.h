/*
 * tunnels.h - the x-tunnels of a workspace, as the tunnel commands see them.  Private to src/cmd.
 *
 *	struct tunnels tunnels = {0};
 *	if (tunnels_find(&session.ws, argc, argv, &tunnels, err) == 0)
 *		...
 *	tunnels_release(&tunnels);
 */
#ifndef CMD_TUNNELS_H
#define CMD_TUNNELS_H

#include "devenv/cli.h"
#include "devenv/manifest.h"
#include "devenv/tunnel.h"

/* One, as its manifest has it, with what it owns. */
struct tunnel_entry {
	struct tunnel_spec spec; /* its port is the manifest's, else one made from its name */
	const struct manifest *manifest;
	const char *engine;          /* mysql, postgres, or NULL */
	const char *user, *database; /* for clients; or NULL */
	char *id, *to_host, *identity, *known_hosts;
};

struct tunnels {
	struct tunnel_entry *list;
	size_t n;
};

/*
 * The tunnels named by the words (NAME or MANIFEST/NAME), or all without words. ERR_USAGE with "did
 * you mean" for an unknown name, or when there are none at all; ERR_MANIFEST for a wrong entry. The
 * strings are borrowed from `ws`; release also after an error.
 */
int tunnels_find(const struct workspace *ws, int argc, char **argv, struct tunnels *tunnels,
	struct err *err);
void tunnels_release(struct tunnels *tunnels);

/* Open the workspace and do `act` with those of its tunnels that the words name. */
typedef int tunnels_fn(struct app *app, const struct tunnels *tunnels, struct err *err);
int tunnels_with(struct app *app, int argc, char **argv, tunnels_fn *act, struct err *err);

/* Questions (an unknown host key, a passphrase) to the person at the terminal. */
struct ssh_ask tunnels_ask(struct app *app);

/* "0.0.0.0" for a gateway, else "127.0.0.1". */
const char *tunnel_address(const struct tunnel_spec *spec);

#endif
