# What an engine says about a project, as one object: container, network or volume -> what a user
# asked for.  Without what is new each time (ids, times, places of the engine) and without the labels
# of devenv; what has no order is sorted, and an empty list is none.
#
# Input: {containers: [inspect...], networks: [...], volumes: [...]}.

def sorted(by): if type == "array" then sort_by(by) else . end;

# Two programs may name another container by its id or by its name.
def named($names):
	walk(if type == "string" then
		gsub("(?<id>[0-9a-f]{64})"; $names[.id] // "ID") | sub("^container:/"; "container:") | sub("^/cases"; "cases")
	else . end);

# Compose's too, but for versions and places; t_interop.sh compares the hashes.
def own_labels:
	if . then with_entries(select(.key | test("^io\\.devenv\\.|^com\\.docker\\.compose\\.(version|config-hash|project\\.(working_dir|config_files))$") | not)
		| if .key == "com.docker.compose.depends_on" then .value |= (split(",") | sort) else . end)
	else {} end;

# Of an endpoint that was never up only what was asked for; addresses are the engine's.
def endpoint($id):
	{IPAMConfig: (.IPAMConfig // {} | with_entries(select(.value != "" and .value != null))),
	 Links: (.Links | sorted(.)), DriverOpts, GwPriority, MacAddress,
	 Aliases: (.Aliases // [] | map(select(. != $id[:12])) | unique)};

def container:
	.Id as $id | {
		Name, Platform, Mounts: (.Mounts | sorted(.Destination)),
		Config: (.Config | .Labels |= own_labels | .Env |= sorted(.)
			| if .Hostname == $id[:12] then .Hostname = "ID" else . end),
		HostConfig: (.HostConfig | .Binds |= sorted(.) | .Mounts |= sorted(.Target)
			| .Ulimits |= sorted(.Name) | .Links |= sorted(.) | .ExtraHosts |= sorted(.)
			| map_values(if type == "number" or type == "boolean" then . else
				select(. != null and length != 0) end)),
		Networks: (.NetworkSettings.Networks | map_values(endpoint($id)))};

# The engine takes the next free pool of its own where nobody named one.
def own_pool: .Subnet // "" | test("^(172\\.|192\\.168\\.)");

def network:
	{Name, Driver, EnableIPv4, EnableIPv6, Internal, Attachable, Options,
	 IPAM: (.IPAM | .Config |= map(select(own_pool | not))),
	 Labels: (.Labels | own_labels)};

def volume: {Name, Driver, Options, Labels: (.Labels | own_labels)};

([.containers[], .networks[] | {key: .Id, value: .Name}] | from_entries) as $names
| {
	containers: (.containers | group_by(.Config.Labels["com.docker.compose.service"]) | map({
		key: .[0].Config.Labels["com.docker.compose.service"],
		value: map(container) | sort_by(.Name)}) | from_entries),
	networks: (.networks | map({key: .Name, value: network}) | from_entries),
	volumes: (.volumes | map(select(.Name | length != 64) | {key: .Name, value: volume})
		| from_entries)
} | named($names)
