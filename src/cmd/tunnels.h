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
	/* Its port is the manifest's, else one made from its name; 0 of a Unix socket. */
	struct tunnel_spec spec;
	const struct manifest *manifest;
	const char *engine; /* mysql, postgres, or NULL */
	char *id, *to_host, *socket, *identity, *known_hosts;
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

/* Questions (an unknown host key, a passphrase, a server's) to the person at the terminal. */
struct ssh_ask tunnels_ask(struct app *app);

/* Where it listens: a socket's path, "127.0.0.1:PORT", or "0.0.0.0:PORT" of a gateway. */
char *tunnel_local(const struct tunnel_spec *spec, uint16_t port);

/* Put 'tunnel "NAME": ' before the message, where it is not said yet. */
void tunnel_name_error(const struct tunnel_spec *spec, struct err *err);

/* What PostgreSQL's clients take for the port of a socket: the number in its name. Borrowed. */
const char *tunnel_socket_port(const char *path);

#endif
