# shellcheck shell=bash
# devenv(1) completion for bash. Made by "devenv __gen bash".

_devenv_command() {
	case "$1:$2" in
	':up') command='up' ;;
	':down') command='down' ;;
	':stop') command='stop' ;;
	':start') command='start' ;;
	':restart') command='restart' ;;
	':watch') command='watch' ;;
	':pull') command='pull' ;;
	':build') command='build' ;;
	':push') command='push' ;;
	':create') command='create' ;;
	':scale') command='scale' ;;
	':kill') command='kill' ;;
	':pause') command='pause' ;;
	':unpause') command='unpause' ;;
	':rm') command='rm' ;;
	':status' | ':ps') command='status' ;;
	':logs') command='logs' ;;
	':config') command='config' ;;
	':plan') command='plan' ;;
	':why') command='why' ;;
	':port') command='port' ;;
	':top') command='top' ;;
	':stats') command='stats' ;;
	':images') command='images' ;;
	':volumes') command='volumes' ;;
	':events') command='events' ;;
	':wait') command='wait' ;;
	':ls') command='ls' ;;
	':exec') command='exec' ;;
	':shell') command='shell' ;;
	':attach') command='attach' ;;
	':cp') command='cp' ;;
	':export') command='export' ;;
	':commit') command='commit' ;;
	':run') command='run' ;;
	':snapshot') command='snapshot' ;;
	'snapshot:save') command='snapshot save' ;;
	'snapshot:restore') command='snapshot restore' ;;
	'snapshot:undo') command='snapshot undo' ;;
	'snapshot:branch') command='snapshot branch' ;;
	'snapshot:switch') command='snapshot switch' ;;
	'snapshot:list') command='snapshot list' ;;
	'snapshot:inspect') command='snapshot inspect' ;;
	'snapshot:diff') command='snapshot diff' ;;
	'snapshot:import') command='snapshot import' ;;
	'snapshot:export') command='snapshot export' ;;
	'snapshot:push') command='snapshot push' ;;
	'snapshot:pull') command='snapshot pull' ;;
	'snapshot:verify') command='snapshot verify' ;;
	'snapshot:scan') command='snapshot scan' ;;
	'snapshot:rm') command='snapshot rm' ;;
	'snapshot:prune') command='snapshot prune' ;;
	':tunnel') command='tunnel' ;;
	'tunnel:up') command='tunnel up' ;;
	'tunnel:down') command='tunnel down' ;;
	'tunnel:list') command='tunnel list' ;;
	'tunnel:status') command='tunnel status' ;;
	'tunnel:check') command='tunnel check' ;;
	'tunnel:logs') command='tunnel logs' ;;
	'tunnel:env') command='tunnel env' ;;
	':sql') command='sql' ;;
	':onboard') command='onboard' ;;
	':new') command='new' ;;
	':doctor') command='doctor' ;;
	':engine') command='engine' ;;
	'engine:start') command='engine start' ;;
	'engine:stop') command='engine stop' ;;
	'engine:status') command='engine status' ;;
	':completion') command='completion' ;;
	':version') command='version' ;;
	':help') command='help' ;;
	*) return 1 ;;
	esac
}

_devenv_value() {
	value=''
	case "$1:$2" in
	'up:--abort-on-container-exit') value='' ;;
	'up:--abort-on-container-failure') value='' ;;
	'up:--always-recreate-deps') value='' ;;
	'up:--attach') value='' ;;
	'up:--attach-dependencies') value='' ;;
	'up:--build') value='' ;;
	'up:--detach' | 'up:-d') value='' ;;
	'up:--dry-run') value='' ;;
	'up:--exit-code-from') value='names service' ;;
	'up:--force-recreate') value='' ;;
	'up:--menu') value='' ;;
	'up:--no-attach') value='names service' ;;
	'up:--no-build') value='' ;;
	'up:--no-color') value='' ;;
	'up:--no-deps') value='' ;;
	'up:--no-log-prefix') value='' ;;
	'up:--no-recreate') value='' ;;
	'up:--no-start') value='' ;;
	'up:--pull') value='words policy missing always never' ;;
	'up:--quiet-build') value='' ;;
	'up:--quiet-pull') value='' ;;
	'up:--remove-orphans') value='' ;;
	'up:--renew-anon-volumes' | 'up:-V') value='' ;;
	'up:--scale') value='none' ;;
	'up:--timeout' | 'up:-t') value='none' ;;
	'up:--timestamps') value='' ;;
	'up:--wait') value='' ;;
	'up:--wait-timeout') value='none' ;;
	'up:--watch' | 'up:-w') value='' ;;
	'down:--dry-run') value='' ;;
	'down:--remove-orphans') value='' ;;
	'down:--rmi') value='words local all' ;;
	'down:--timeout' | 'down:-t') value='none' ;;
	'down:--volumes' | 'down:-v') value='' ;;
	'stop:--dry-run') value='' ;;
	'stop:--no-deps') value='' ;;
	'stop:--timeout' | 'stop:-t') value='none' ;;
	'start:--dry-run') value='' ;;
	'start:--no-deps') value='' ;;
	'start:--wait') value='' ;;
	'start:--wait-timeout') value='none' ;;
	'restart:--dry-run') value='' ;;
	'restart:--no-deps') value='' ;;
	'restart:--timeout' | 'restart:-t') value='none' ;;
	'watch:--dry-run') value='' ;;
	'watch:--no-up') value='' ;;
	'watch:--prune') value='' ;;
	'watch:--quiet') value='' ;;
	'pull:--ignore-buildable') value='' ;;
	'pull:--ignore-pull-failures') value='' ;;
	'pull:--include-deps') value='' ;;
	'pull:--policy') value='words always missing' ;;
	'pull:--quiet' | 'pull:-q') value='' ;;
	'build:--build-arg') value='none' ;;
	'build:--builder') value='none' ;;
	'build:--check') value='' ;;
	'build:--memory' | 'build:-m') value='none' ;;
	'build:--no-cache') value='' ;;
	'build:--print') value='' ;;
	'build:--provenance') value='none' ;;
	'build:--pull') value='' ;;
	'build:--push') value='' ;;
	'build:--quiet' | 'build:-q') value='' ;;
	'build:--sbom') value='none' ;;
	'build:--ssh') value='none' ;;
	'build:--with-dependencies') value='' ;;
	'push:--ignore-push-failures') value='' ;;
	'push:--include-deps') value='' ;;
	'push:--quiet' | 'push:-q') value='' ;;
	'create:--build') value='' ;;
	'create:--force-recreate') value='' ;;
	'create:--no-build') value='' ;;
	'create:--no-recreate') value='' ;;
	'create:--pull') value='words policy missing always never' ;;
	'create:--quiet-pull') value='' ;;
	'create:--remove-orphans') value='' ;;
	'create:--scale') value='none' ;;
	'scale:--no-deps') value='' ;;
	'kill:--remove-orphans') value='' ;;
	'kill:--signal' | 'kill:-s') value='none' ;;
	'rm:--force' | 'rm:-f') value='' ;;
	'rm:--stop' | 'rm:-s') value='' ;;
	'rm:--volumes' | 'rm:-v') value='' ;;
	'status:--all' | 'status:-a') value='' ;;
	'status:--filter') value='none' ;;
	'status:--no-orphans') value='' ;;
	'status:--no-trunc') value='' ;;
	'status:--orphans') value='' ;;
	'status:--quiet' | 'status:-q') value='' ;;
	'status:--services') value='' ;;
	'status:--status') value='none' ;;
	'logs:--follow' | 'logs:-f') value='' ;;
	'logs:--index') value='none' ;;
	'logs:--no-color') value='' ;;
	'logs:--no-log-prefix') value='' ;;
	'logs:--since') value='none' ;;
	'logs:--tail' | 'logs:-n') value='none' ;;
	'logs:--timestamps' | 'logs:-t') value='' ;;
	'logs:--until') value='none' ;;
	'config:--environment') value='' ;;
	'config:--explain') value='' ;;
	'config:--format') value='words yaml json' ;;
	'config:--hash') value='none' ;;
	'config:--images') value='' ;;
	'config:--lock-image-digests') value='' ;;
	'config:--manifest' | 'config:-m') value='names manifest' ;;
	'config:--models') value='' ;;
	'config:--networks') value='' ;;
	'config:--no-consistency') value='' ;;
	'config:--no-env-resolution') value='' ;;
	'config:--no-interpolate') value='' ;;
	'config:--no-normalize') value='' ;;
	'config:--no-path-resolution') value='' ;;
	'config:--output' | 'config:-o') value='file' ;;
	'config:--profiles') value='' ;;
	'config:--quiet' | 'config:-q') value='' ;;
	'config:--resolve-image-digests') value='' ;;
	'config:--services') value='' ;;
	'config:--variables') value='' ;;
	'config:--volumes') value='' ;;
	'plan:--exit-code') value='' ;;
	'port:--index') value='none' ;;
	'port:--protocol') value='words tcp udp' ;;
	'stats:--all' | 'stats:-a') value='' ;;
	'stats:--no-stream') value='' ;;
	'stats:--no-trunc') value='' ;;
	'images:--quiet' | 'images:-q') value='' ;;
	'volumes:--quiet' | 'volumes:-q') value='' ;;
	'events:--json') value='' ;;
	'events:--since') value='none' ;;
	'events:--until') value='none' ;;
	'wait:--down-project') value='' ;;
	'ls:--all' | 'ls:-a') value='' ;;
	'ls:--filter') value='none' ;;
	'ls:--quiet' | 'ls:-q') value='' ;;
	'exec:--detach' | 'exec:-d') value='' ;;
	'exec:--env' | 'exec:-e') value='none' ;;
	'exec:--index') value='none' ;;
	'exec:--interactive' | 'exec:-i') value='' ;;
	'exec:--no-tty' | 'exec:-T') value='' ;;
	'exec:--privileged') value='' ;;
	'exec:--tty' | 'exec:-t') value='' ;;
	'exec:--user' | 'exec:-u') value='none' ;;
	'exec:--workdir' | 'exec:-w') value='none' ;;
	'shell:--detach' | 'shell:-d') value='' ;;
	'shell:--env' | 'shell:-e') value='none' ;;
	'shell:--index') value='none' ;;
	'shell:--interactive' | 'shell:-i') value='' ;;
	'shell:--no-tty' | 'shell:-T') value='' ;;
	'shell:--privileged') value='' ;;
	'shell:--tty' | 'shell:-t') value='' ;;
	'shell:--user' | 'shell:-u') value='none' ;;
	'shell:--workdir' | 'shell:-w') value='none' ;;
	'attach:--detach-keys') value='none' ;;
	'attach:--index') value='none' ;;
	'attach:--no-stdin') value='' ;;
	'attach:--sig-proxy') value='' ;;
	'cp:--all') value='' ;;
	'cp:--archive' | 'cp:-a') value='' ;;
	'cp:--follow-link' | 'cp:-L') value='' ;;
	'cp:--index') value='none' ;;
	'export:--index') value='none' ;;
	'export:--output' | 'export:-o') value='file' ;;
	'commit:--author' | 'commit:-a') value='none' ;;
	'commit:--change' | 'commit:-c') value='none' ;;
	'commit:--index') value='none' ;;
	'commit:--message' | 'commit:-m') value='none' ;;
	'commit:--pause' | 'commit:-p') value='' ;;
	'run:--build') value='' ;;
	'run:--cap-add') value='none' ;;
	'run:--cap-drop') value='none' ;;
	'run:--detach' | 'run:-d') value='' ;;
	'run:--entrypoint') value='none' ;;
	'run:--env' | 'run:-e') value='none' ;;
	'run:--env-from-file') value='file' ;;
	'run:--interactive' | 'run:-i') value='' ;;
	'run:--keep') value='' ;;
	'run:--label' | 'run:-l') value='none' ;;
	'run:--name') value='none' ;;
	'run:--no-deps') value='' ;;
	'run:--no-tty' | 'run:-T') value='' ;;
	'run:--no-TTY') value='' ;;
	'run:--publish' | 'run:-p') value='none' ;;
	'run:--pull') value='words policy missing always never' ;;
	'run:--quiet' | 'run:-q') value='' ;;
	'run:--quiet-build') value='' ;;
	'run:--quiet-pull') value='' ;;
	'run:--remove-orphans') value='' ;;
	'run:--rm') value='' ;;
	'run:--service-ports' | 'run:-P') value='' ;;
	'run:--use-aliases') value='' ;;
	'run:--user' | 'run:-u') value='none' ;;
	'run:--volume' | 'run:-v') value='none' ;;
	'run:--workdir' | 'run:-w') value='none' ;;
	'snapshot save:--deltas') value='' ;;
	'snapshot save:--masking') value='none' ;;
	'snapshot save:--parent') value='none' ;;
	'snapshot save:--production') value='' ;;
	'snapshot save:--replace') value='' ;;
	'snapshot restore:--no-undo') value='' ;;
	'snapshot restore:--replace') value='' ;;
	'snapshot restore:--thin') value='' ;;
	'snapshot restore:--whole') value='' ;;
	'snapshot branch:--delete' | 'snapshot branch:-d') value='' ;;
	'snapshot switch:--with-git') value='' ;;
	'snapshot list:--quiet' | 'snapshot list:-q') value='' ;;
	'snapshot diff:--files' | 'snapshot diff:-f') value='' ;;
	'snapshot import:--masking') value='none' ;;
	'snapshot import:--production') value='' ;;
	'snapshot import:--replace') value='' ;;
	'snapshot export:--compress') value='words none gzip zstd' ;;
	'snapshot export:--replace') value='' ;;
	'snapshot push:--allow') value='none' ;;
	'snapshot push:--canaries') value='none' ;;
	'snapshot push:--scan') value='' ;;
	'snapshot verify:--boot') value='' ;;
	'snapshot verify:--service') value='names service' ;;
	'snapshot scan:--allow') value='none' ;;
	'snapshot scan:--canaries') value='none' ;;
	'tunnel:--password') value='' ;;
	'tunnel up:--password') value='' ;;
	'tunnel logs:--tail' | 'tunnel logs:-n') value='none' ;;
	'tunnel env:--format') value='words shell json my.cnf' ;;
	'sql:--user' | 'sql:-u') value='none' ;;
	'sql:--database' | 'sql:-d') value='none' ;;
	'onboard:--dir') value='dir' ;;
	'new:--dir') value='dir' ;;
	'version:--format' | 'version:-f') value='words pretty json' ;;
	'version:--short') value='' ;;
	*)
		case ":$2" in
	':--file' | ':-f') value='file' ;;
	':--project-name' | ':-p') value='none' ;;
	':--directory' | ':-C') value='dir' ;;
	':--project-directory') value='dir' ;;
	':--profile') value='none' ;;
	':--env-file') value='file' ;;
	':--context') value='none' ;;
	':--host' | ':-H') value='none' ;;
	':--progress') value='words auto tty plain json quiet' ;;
	':--ansi') value='words never always auto' ;;
	':--parallel') value='none' ;;
	':--compatibility') value='' ;;
	':--all-resources') value='' ;;
	':--format') value='words table json' ;;
	':--yes' | ':-y') value='' ;;
	':--verbose' | ':-v') value='' ;;
	':--help' | ':-h') value='' ;;
		esac
		;;
	esac
}

_devenv_argument() {
	value=''
	case "$1:$2" in
	'up:'*) value='names service' ;;
	'down:'*) value='names service' ;;
	'stop:'*) value='names service' ;;
	'start:'*) value='names service' ;;
	'restart:'*) value='names service' ;;
	'watch:'*) value='names service' ;;
	'pull:'*) value='names service' ;;
	'build:'*) value='names service' ;;
	'push:'*) value='names service' ;;
	'create:'*) value='names service' ;;
	'kill:'*) value='names service' ;;
	'pause:'*) value='names service' ;;
	'unpause:'*) value='names service' ;;
	'rm:'*) value='names service' ;;
	'status:'*) value='names service' ;;
	'logs:'*) value='names service' ;;
	'config:'*) value='names service' ;;
	'plan:'*) value='names service' ;;
	'why:'*) value='names service' ;;
	'port:'*) value='names service' ;;
	'top:'*) value='names service' ;;
	'stats:'*) value='names service' ;;
	'images:'*) value='names service' ;;
	'events:'*) value='names service' ;;
	'wait:'*) value='names service' ;;
	'exec:0') value='names service' ;;
	'shell:'*) value='names service' ;;
	'attach:'*) value='names service' ;;
	'cp:'*) value='file' ;;
	'export:'*) value='names service' ;;
	'commit:'*) value='names service' ;;
	'run:0') value='names service' ;;
	'snapshot save:'*) value='names service' ;;
	'snapshot restore:'*) value='names service' ;;
	'snapshot undo:'*) value='names service' ;;
	'snapshot branch:'*) value='names service' ;;
	'snapshot import:'*) value='names service' ;;
	'tunnel:'*) value='names tunnel' ;;
	'tunnel up:'*) value='names tunnel' ;;
	'tunnel down:'*) value='names tunnel' ;;
	'tunnel list:'*) value='names tunnel' ;;
	'tunnel status:'*) value='names tunnel' ;;
	'tunnel check:'*) value='names tunnel' ;;
	'tunnel logs:'*) value='names tunnel' ;;
	'tunnel env:'*) value='names tunnel' ;;
	'sql:0') value='names tunnel' ;;
	'new:'*) value='names template' ;;
	'completion:'*) value='names shell' ;;
	'help:'*) value='names command' ;;
	esac
}

_devenv_commands() {
	case "$1" in
	'') words='up down stop start restart watch pull build push create scale kill pause unpause rm status logs config plan why port top stats images volumes events wait ls exec shell attach cp export commit run snapshot tunnel sql onboard new doctor engine completion version help' ;;
	'snapshot') words='save restore undo branch switch list inspect diff import export push pull verify scan rm prune' ;;
	'tunnel') words='up down list status check logs env daemon' ;;
	'engine') words='start stop status' ;;
	*) words='' ;;
	esac
}

_devenv_options() {
	case "$1" in
	'up') words='--abort-on-container-exit --abort-on-container-failure --always-recreate-deps --attach --attach-dependencies --build --detach --dry-run --exit-code-from --force-recreate --menu --no-attach --no-build --no-color --no-deps --no-log-prefix --no-recreate --no-start --pull --quiet-build --quiet-pull --remove-orphans --renew-anon-volumes --scale --timeout --timestamps --wait --wait-timeout --watch --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'down') words='--dry-run --remove-orphans --rmi --timeout --volumes --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'stop') words='--dry-run --no-deps --timeout --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'start') words='--dry-run --no-deps --wait --wait-timeout --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'restart') words='--dry-run --no-deps --timeout --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'watch') words='--dry-run --no-up --prune --quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'pull') words='--ignore-buildable --ignore-pull-failures --include-deps --policy --quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'build') words='--build-arg --builder --check --memory --no-cache --print --provenance --pull --push --quiet --sbom --ssh --with-dependencies --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'push') words='--ignore-push-failures --include-deps --quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'create') words='--build --force-recreate --no-build --no-recreate --pull --quiet-pull --remove-orphans --scale --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'scale') words='--no-deps --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'kill') words='--remove-orphans --signal --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'pause') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'unpause') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'rm') words='--force --stop --volumes --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'status') words='--all --filter --no-orphans --no-trunc --orphans --quiet --services --status --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'logs') words='--follow --index --no-color --no-log-prefix --since --tail --timestamps --until --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'config') words='--environment --explain --format --hash --images --lock-image-digests --manifest --models --networks --no-consistency --no-env-resolution --no-interpolate --no-normalize --no-path-resolution --output --profiles --quiet --resolve-image-digests --services --variables --volumes --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'plan') words='--exit-code --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'why') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'port') words='--index --protocol --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'top') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'stats') words='--all --no-stream --no-trunc --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'images') words='--quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'volumes') words='--quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'events') words='--json --since --until --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'wait') words='--down-project --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'ls') words='--all --filter --quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'exec') words='--detach --env --index --interactive --no-tty --privileged --tty --user --workdir --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'shell') words='--detach --env --index --interactive --no-tty --privileged --tty --user --workdir --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'attach') words='--detach-keys --index --no-stdin --sig-proxy --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'cp') words='--all --archive --follow-link --index --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'export') words='--index --output --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'commit') words='--author --change --index --message --pause --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'run') words='--build --cap-add --cap-drop --detach --entrypoint --env --env-from-file --interactive --keep --label --name --no-deps --no-tty --no-TTY --publish --pull --quiet --quiet-build --quiet-pull --remove-orphans --rm --service-ports --use-aliases --user --volume --workdir --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'snapshot') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'snapshot save') words='--deltas --masking --parent --production --replace --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot restore') words='--no-undo --replace --thin --whole --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot undo') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot branch') words='--delete --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot switch') words='--with-git --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot list') words='--quiet --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot inspect') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot diff') words='--files --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot import') words='--masking --production --replace --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot export') words='--compress --replace --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'snapshot push') words='--allow --canaries --scan --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot pull') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot verify') words='--boot --service --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot scan') words='--allow --canaries --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'snapshot rm') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'snapshot prune') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel') words='--password --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel up') words='--password --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'tunnel down') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'tunnel list') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel status') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel check') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel logs') words='--tail --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'tunnel env') words='--format --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'sql') words='--user --database --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'onboard') words='--dir --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'new') words='--dir --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'doctor') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'engine') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'engine start') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'engine stop') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'engine status') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help' ;;
	'completion') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'version') words='--format --short --file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	'help') words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --yes --verbose --help' ;;
	*) words='--file --project-name --directory --project-directory --profile --env-file --context --host --progress --ansi --parallel --compatibility --all-resources --format --yes --verbose --help --version' ;;
	esac
}

# Set COMPREPLY to the lines of stdin that begin with $cur.
_devenv_reply() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == "$cur"* ]]; then
			COMPREPLY+=("$line")
		fi
	done
}

# Complete $cur as $value says.
_devenv_complete() {
	case $value in
	words*) _devenv_reply < <(tr ' ' '\n' <<<"${value#words }") ;;
	names*) _devenv_reply < <(devenv ${globals[@]+"${globals[@]}"} __complete \
		"${value#names }" "$cur" 2>/dev/null) ;;
	file)
		compopt -o filenames 2>/dev/null
		_devenv_reply < <(compgen -f -- "$cur")
		;;
	dir)
		compopt -o filenames 2>/dev/null
		_devenv_reply < <(compgen -d -- "$cur")
		;;
	esac
}

# Read the words before the cursor: command, and the options that choose the manifests.
_devenv_words() {
	local i word
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -* ]]; then
			_devenv_value "$command" "$word"
			[[ -n $value ]] || continue
			((++i))
			if [[ ${COMP_WORDS[i]} == = ]]; then ((++i)); fi
			if ((i >= COMP_CWORD)); then return; fi
			case $word in
			-f | --file | -C | --directory | -p | --project-name | --profile | --env-file)
				globals+=("$word" "${COMP_WORDS[i]}")
				;;
			esac
		elif ((arguments)) || ! _devenv_command "$command" "$word"; then
			((++arguments))
		fi
	done
}

_devenv() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' value='' words='' arguments=0
	local -a globals
	globals=()
	_devenv_words
	if [[ $cur == = ]]; then
		cur=''
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	value=''
	if [[ $prev == -* ]]; then _devenv_value "$command" "$prev"; fi
	if [[ -z $value ]]; then
		_devenv_commands "$command"
		if [[ $cur == -* ]]; then
			_devenv_options "$command"
		elif ((arguments)) || [[ -z $words ]]; then
			words=''
			_devenv_argument "$command" "$arguments"
		fi
		if [[ -n $words ]]; then value="words $words"; fi
	fi
	_devenv_complete
}

complete -F _devenv devenv
