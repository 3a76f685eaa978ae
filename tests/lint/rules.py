"""The rules that are data: which module may include which, and what is banned where."""

# Public headers (include/devenv/NAME.h) by the module that implements them.  A header that is not here
# is an error: its author decides where it belongs.
HEADERS = {
    "base": "buf clock crypto diag err event fs fswatch hash ignore json lazy lock mem proc signals spill str strv tar term",
    "net": "auth credential http http1 known_hosts port ssh ssh_config",
    "manifest": "manifest",
    "engine": "engine",
    "registry": "store",
    "snapshot": "agent canary datadir dump extract masking packed snapshot snapshot_format tree",
    "source": "source",
    "tunnel": "role tunnel",
    "state": "state",
    "plan": "plan plan_branch plan_snapshot plan_thin watch",
    "ui": "ui",
    "cli": "cli",
}

DOMAINS = ["manifest", "engine", "registry", "snapshot", "source", "tunnel", "state"]

# Module: the modules whose headers it may include, beside its own.
LAYERS = {
    "base": [],
    "net": ["base"],
    **{domain: ["base", "net"] for domain in DOMAINS},
    "plan": ["base", "net", *DOMAINS],
    "agent": ["base", "snapshot"],
    "ui": ["base"],
    "cli": ["base", "ui"],
    "cmd": ["base", "net", *DOMAINS, "plan", "ui", "cli"],
    "main": ["cli"],
}

# Start of a system include: the modules that own the library.
LIBRARIES = {
    "curl/": ["net"],
    "libssh2": ["net"],
    "yaml.h": ["manifest"],
    "git2": ["source"],
    "archive": ["snapshot"],
    "zstd": ["snapshot"],
    "openssl/": ["base"],
    "libpq-fe.h": ["tunnel"],
    "mysql.h": ["tunnel"],
    "jansson.h": [],  # comes with devenv/json.h
}

# Functions that no source may call, and those with one home.
BANNED = """strcpy strcat sprintf vsprintf atoi atol atoll atof strtok strtok_r system popen gets
    scanf sscanf fscanf localtime gmtime asctime ctime mktemp tmpnam alloca strncpy strncat"""
ONE_HOME = {
    "src/base/str.c": "strtol strtoul strtoll strtoull strtod strtof strtoimax strtoumax",
    "src/base/json.c": """json_loads json_loadb json_loadf json_loadfd json_load_file json_dumps
        json_dumpb json_dumpf json_dumpfd json_dump_file""",
}

FUNCTION_LINES = 60
FILE_LINES = 600
COLUMNS = 100

# Paths of one machine, and notes to oneself. Written so that this file does not match itself.
PATHS = r"/wor[k]/(main|shared|\.)|/tmp/(tea[m]|b-[a-z]\b)"
NOTES = r"\b(TO[D]O|FIX[M]E|X[X]X)\b"
