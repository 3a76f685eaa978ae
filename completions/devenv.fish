# devenv(1) completion for fish. Made by "devenv __gen fish".

function __devenv_step
	switch $argv[1]:$argv[2]
		case ':up'
			echo 'up'
		case ':down'
			echo 'down'
		case ':stop'
			echo 'stop'
		case ':start'
			echo 'start'
		case ':restart'
			echo 'restart'
		case ':pull'
			echo 'pull'
		case ':status' ':ps'
			echo 'status'
		case ':logs'
			echo 'logs'
		case ':config'
			echo 'config'
		case ':plan'
			echo 'plan'
		case ':why'
			echo 'why'
		case ':exec'
			echo 'exec'
		case ':shell'
			echo 'shell'
		case ':run'
			echo 'run'
		case ':tunnel'
			echo 'tunnel'
		case ':onboard'
			echo 'onboard'
		case ':new'
			echo 'new'
		case ':doctor'
			echo 'doctor'
		case ':engine'
			echo 'engine'
		case 'engine:start'
			echo 'engine start'
		case 'engine:stop'
			echo 'engine stop'
		case 'engine:status'
			echo 'engine status'
		case ':completion'
			echo 'completion'
		case ':version'
			echo 'version'
		case ':help'
			echo 'help'
	end
end

function __devenv_takes_value
	switch $argv[1]:$argv[2]
		case 'up:--attach'
			return 1
		case 'up:--detach' 'up:-d'
			return 1
		case 'up:--dry-run'
			return 1
		case 'up:--force-recreate'
			return 1
		case 'up:--no-deps'
			return 1
		case 'up:--no-recreate'
			return 1
		case 'up:--pull'
			return 0
		case 'up:--remove-orphans'
			return 1
		case 'up:--timeout' 'up:-t'
			return 0
		case 'up:--wait'
			return 1
		case 'up:--wait-timeout'
			return 0
		case 'down:--dry-run'
			return 1
		case 'down:--remove-orphans'
			return 1
		case 'down:--timeout' 'down:-t'
			return 0
		case 'down:--volumes'
			return 1
		case 'stop:--dry-run'
			return 1
		case 'stop:--timeout' 'stop:-t'
			return 0
		case 'start:--dry-run'
			return 1
		case 'start:--timeout' 'start:-t'
			return 0
		case 'restart:--dry-run'
			return 1
		case 'restart:--timeout' 'restart:-t'
			return 0
		case 'pull:--policy'
			return 0
		case 'status:--all' 'status:-a'
			return 1
		case 'status:--quiet' 'status:-q'
			return 1
		case 'status:--services'
			return 1
		case 'logs:--follow' 'logs:-f'
			return 1
		case 'logs:--since'
			return 0
		case 'logs:--tail' 'logs:-n'
			return 0
		case 'logs:--timestamps' 'logs:-t'
			return 1
		case 'logs:--until'
			return 0
		case 'config:--environment'
			return 1
		case 'config:--explain'
			return 1
		case 'config:--format'
			return 0
		case 'config:--images'
			return 1
		case 'config:--manifest' 'config:-m'
			return 0
		case 'config:--networks'
			return 1
		case 'config:--no-interpolate'
			return 1
		case 'config:--profiles'
			return 1
		case 'config:--quiet' 'config:-q'
			return 1
		case 'config:--services'
			return 1
		case 'config:--volumes'
			return 1
		case 'plan:--exit-code'
			return 1
		case 'exec:--detach' 'exec:-d'
			return 1
		case 'exec:--env' 'exec:-e'
			return 0
		case 'exec:--index'
			return 0
		case 'exec:--no-tty' 'exec:-T'
			return 1
		case 'exec:--privileged'
			return 1
		case 'exec:--user' 'exec:-u'
			return 0
		case 'exec:--workdir' 'exec:-w'
			return 0
		case 'shell:--detach' 'shell:-d'
			return 1
		case 'shell:--env' 'shell:-e'
			return 0
		case 'shell:--index'
			return 0
		case 'shell:--no-tty' 'shell:-T'
			return 1
		case 'shell:--privileged'
			return 1
		case 'shell:--user' 'shell:-u'
			return 0
		case 'shell:--workdir' 'shell:-w'
			return 0
		case 'run:--detach' 'run:-d'
			return 1
		case 'run:--entrypoint'
			return 0
		case 'run:--env' 'run:-e'
			return 0
		case 'run:--keep'
			return 1
		case 'run:--name'
			return 0
		case 'run:--no-deps'
			return 1
		case 'run:--no-tty' 'run:-T'
			return 1
		case 'run:--rm'
			return 1
		case 'run:--service-ports' 'run:-P'
			return 1
		case 'run:--user' 'run:-u'
			return 0
		case 'run:--volume' 'run:-v'
			return 0
		case 'run:--workdir' 'run:-w'
			return 0
		case 'onboard:--dir'
			return 0
		case 'new:--dir'
			return 0
	end
	switch :$argv[2]
		case ':--file' ':-f'
			return 0
		case ':--project-name' ':-p'
			return 0
		case ':--directory' ':-C'
			return 0
		case ':--profile'
			return 0
		case ':--env-file'
			return 0
		case ':--context'
			return 0
		case ':--host' ':-H'
			return 0
		case ':--progress'
			return 0
		case ':--format'
			return 0
		case ':--yes' ':-y'
			return 1
		case ':--verbose' ':-v'
			return 1
		case ':--help' ':-h'
			return 1
	end
	return 1
end

# The command on the line so far, its number of arguments, then the options that choose the
# manifests; a line each.
function __devenv_line
	set -l tokens (commandline -opc)
	set -l command ''
	set -l arguments 0
	set -l globals
	set -l i 2
	while test $i -le (count $tokens)
		set -l word $tokens[$i]
		set -l next (__devenv_step $command $word)
		if string match -q -- '-*' $word
			if __devenv_takes_value $command $word
				set i (math $i + 1)
				if contains -- $word -f --file -C --directory -p --project-name \
						--profile --env-file; and test $i -le (count $tokens)
					set -a globals $word $tokens[$i]
				end
			end
		else if test $arguments -eq 0; and test -n "$next"
			set command $next
		else
			set arguments (math $arguments + 1)
		end
		set i (math $i + 1)
	end
	echo $command
	echo $arguments
	for word in $globals
		echo $word
	end
end

# __devenv_at COMMAND [ARGUMENTS]: does the cursor stand there?
function __devenv_at
	set -l line (__devenv_line)
	test "$line[1]" = "$argv[1]"; or return 1
	test (count $argv) -lt 2; or test $line[2] = $argv[2]
end

function __devenv_names
	set -l line (__devenv_line)
	devenv $line[3..-1] __complete $argv[1] (commandline -ct) 2>/dev/null
end

complete -c devenv -f
complete -c devenv -n "__devenv_at ''" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at ''" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at ''" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at ''" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at ''" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at ''" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at ''" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at ''" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at ''" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at ''" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at ''" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at ''" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at ''" -l version -d 'Print the version'
complete -c devenv -n "__devenv_at '' 0" -f -a up -d 'Bring services up and wait until they are ready'
complete -c devenv -n "__devenv_at 'up'" -l attach -d 'Follow the logs once all is ready (Ctrl-C leaves it running)'
complete -c devenv -n "__devenv_at 'up'" -l detach -s d -d 'Return when all is ready: the default'
complete -c devenv -n "__devenv_at 'up'" -l dry-run -d 'Print the plan; change nothing'
complete -c devenv -n "__devenv_at 'up'" -l force-recreate -d 'Replace containers that are as they should be'
complete -c devenv -n "__devenv_at 'up'" -l no-deps -d 'Leave the services alone that the named ones depend on'
complete -c devenv -n "__devenv_at 'up'" -l no-recreate -d 'Keep containers that differ from their manifest'
complete -c devenv -n "__devenv_at 'up'" -l pull -r -f -a 'missing always never' -d 'When to pull images'
complete -c devenv -n "__devenv_at 'up'" -l remove-orphans -d 'Remove containers whose service is in no manifest'
complete -c devenv -n "__devenv_at 'up'" -l timeout -s t -r -f -d 'How long a container that is replaced may take to stop'
complete -c devenv -n "__devenv_at 'up'" -l wait -d 'Wait until all is ready: the default'
complete -c devenv -n "__devenv_at 'up'" -l wait-timeout -r -f -d 'How long to wait until all is ready'
complete -c devenv -n "__devenv_at 'up'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'up'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'up'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'up'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'up'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'up'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'up'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'up'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'up'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'up'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'up'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'up'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a down -d 'Stop and remove containers and networks; data stays'
complete -c devenv -n "__devenv_at 'down'" -l dry-run -d 'Print the plan; change nothing'
complete -c devenv -n "__devenv_at 'down'" -l remove-orphans -d 'Accepted for Compose; what carries our labels always goes'
complete -c devenv -n "__devenv_at 'down'" -l timeout -s t -r -f -d 'How long a container may take to stop'
complete -c devenv -n "__devenv_at 'down'" -l volumes -d 'Remove the volumes too, with all data in them'
complete -c devenv -n "__devenv_at 'down'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'down'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'down'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'down'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'down'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'down'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'down'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'down'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'down'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'down'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'down'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'down'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a stop -d 'Stop containers without removing them'
complete -c devenv -n "__devenv_at 'stop'" -l dry-run -d 'Print the plan; change nothing'
complete -c devenv -n "__devenv_at 'stop'" -l timeout -s t -r -f -d 'How long a container may take to stop'
complete -c devenv -n "__devenv_at 'stop'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'stop'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'stop'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'stop'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'stop'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'stop'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'stop'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'stop'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'stop'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'stop'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'stop'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'stop'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a start -d 'Start stopped containers and wait until they are ready'
complete -c devenv -n "__devenv_at 'start'" -l dry-run -d 'Print the plan; change nothing'
complete -c devenv -n "__devenv_at 'start'" -l timeout -s t -r -f -d 'How long a container may take to stop'
complete -c devenv -n "__devenv_at 'start'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'start'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'start'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'start'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'start'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'start'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'start'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'start'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'start'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'start'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'start'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'start'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a restart -d 'Restart containers and wait until they are ready'
complete -c devenv -n "__devenv_at 'restart'" -l dry-run -d 'Print the plan; change nothing'
complete -c devenv -n "__devenv_at 'restart'" -l timeout -s t -r -f -d 'How long a container may take to stop'
complete -c devenv -n "__devenv_at 'restart'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'restart'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'restart'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'restart'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'restart'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'restart'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'restart'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'restart'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'restart'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'restart'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'restart'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'restart'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a pull -d 'Pull images'
complete -c devenv -n "__devenv_at 'pull'" -l policy -r -f -a 'always missing' -d 'Which images to pull'
complete -c devenv -n "__devenv_at 'pull'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'pull'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'pull'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'pull'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'pull'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'pull'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'pull'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'pull'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'pull'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'pull'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'pull'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'pull'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a status -d 'Show what runs, where it answers and whether it is healthy'
complete -c devenv -n "__devenv_at 'status'" -l all -s a -d 'One-off containers of `devenv run` too'
complete -c devenv -n "__devenv_at 'status'" -l quiet -s q -d 'Only container ids'
complete -c devenv -n "__devenv_at 'status'" -l services -d 'Only names of services'
complete -c devenv -n "__devenv_at 'status'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'status'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'status'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'status'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'status'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'status'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'status'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'status'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'status'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'status'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'status'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'status'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'status'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a logs -d 'Print what services write, merged'
complete -c devenv -n "__devenv_at 'logs'" -l follow -s f -d 'Go on with what comes, until Ctrl-C'
complete -c devenv -n "__devenv_at 'logs'" -l since -r -f -d 'From then on: 10m, 2026-11-21T09:00:00Z'
complete -c devenv -n "__devenv_at 'logs'" -l tail -s n -r -f -d 'Only this many lines of each service'
complete -c devenv -n "__devenv_at 'logs'" -l timestamps -s t -d 'Put the time before each line'
complete -c devenv -n "__devenv_at 'logs'" -l until -r -f -d 'Up to then'
complete -c devenv -n "__devenv_at 'logs'" -l file -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'logs'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'logs'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'logs'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'logs'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'logs'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'logs'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'logs'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'logs'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'logs'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'logs'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'logs'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a config -d 'Check the manifests and print the canonical model'
complete -c devenv -n "__devenv_at 'config'" -l environment -d 'Print the variables that ${...} is filled from'
complete -c devenv -n "__devenv_at 'config'" -l explain -d 'Tell for each environment value which file and line won'
complete -c devenv -n "__devenv_at 'config'" -l format -r -f -a 'yaml json' -d 'How the model is printed'
complete -c devenv -n "__devenv_at 'config'" -l images -d 'Only names of images'
complete -c devenv -n "__devenv_at 'config'" -l manifest -s m -r -f -a '(__devenv_names manifest)' -d 'Only this manifest of the workspace'
complete -c devenv -n "__devenv_at 'config'" -l networks -d 'Only names of networks'
complete -c devenv -n "__devenv_at 'config'" -l no-interpolate -d 'Leave ${...} as written'
complete -c devenv -n "__devenv_at 'config'" -l profiles -d 'Only names of profiles'
complete -c devenv -n "__devenv_at 'config'" -l quiet -s q -d 'Only check; print nothing but problems'
complete -c devenv -n "__devenv_at 'config'" -l services -d 'Only names of services'
complete -c devenv -n "__devenv_at 'config'" -l volumes -d 'Only names of volumes'
complete -c devenv -n "__devenv_at 'config'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'config'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'config'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'config'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'config'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'config'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'config'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'config'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'config'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'config'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'config'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at '' 0" -f -a plan -d 'Show what `up` would do, and why'
complete -c devenv -n "__devenv_at 'plan'" -l exit-code -d 'End with 2 when there is something to do'
complete -c devenv -n "__devenv_at 'plan'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'plan'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'plan'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'plan'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'plan'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'plan'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'plan'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'plan'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'plan'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'plan'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'plan'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'plan'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'plan'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a why -d 'Name the fields that make `up` replace a container'
complete -c devenv -n "__devenv_at 'why'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'why'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'why'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'why'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'why'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'why'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'why'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'why'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'why'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'why'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'why'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'why'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'why'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a exec -d 'Run a command in a running container'
complete -c devenv -n "__devenv_at 'exec'" -l detach -s d -d 'Return at once; the command goes on'
complete -c devenv -n "__devenv_at 'exec'" -l env -s e -r -f -d 'Set a variable'
complete -c devenv -n "__devenv_at 'exec'" -l index -r -f -d 'Which container of a scaled service'
complete -c devenv -n "__devenv_at 'exec'" -l no-tty -s T -d 'No terminal, even when we have one'
complete -c devenv -n "__devenv_at 'exec'" -l privileged -d 'With all capabilities'
complete -c devenv -n "__devenv_at 'exec'" -l user -s u -r -f -d 'Run as this user'
complete -c devenv -n "__devenv_at 'exec'" -l workdir -s w -r -f -d 'Run in this folder'
complete -c devenv -n "__devenv_at 'exec'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'exec'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'exec'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'exec'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'exec'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'exec'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'exec'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'exec'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'exec'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'exec'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'exec'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'exec' 0" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a shell -d 'Open a shell in a running container'
complete -c devenv -n "__devenv_at 'shell'" -l detach -s d -d 'Return at once; the command goes on'
complete -c devenv -n "__devenv_at 'shell'" -l env -s e -r -f -d 'Set a variable'
complete -c devenv -n "__devenv_at 'shell'" -l index -r -f -d 'Which container of a scaled service'
complete -c devenv -n "__devenv_at 'shell'" -l no-tty -s T -d 'No terminal, even when we have one'
complete -c devenv -n "__devenv_at 'shell'" -l privileged -d 'With all capabilities'
complete -c devenv -n "__devenv_at 'shell'" -l user -s u -r -f -d 'Run as this user'
complete -c devenv -n "__devenv_at 'shell'" -l workdir -s w -r -f -d 'Run in this folder'
complete -c devenv -n "__devenv_at 'shell'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'shell'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'shell'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'shell'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'shell'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'shell'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'shell'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'shell'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'shell'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'shell'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'shell'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'shell'" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a run -d 'Run one command in a new container of a service'
complete -c devenv -n "__devenv_at 'run'" -l detach -s d -d 'Return at once and print the container\'s name'
complete -c devenv -n "__devenv_at 'run'" -l entrypoint -r -f -d 'Instead of the image\'s'
complete -c devenv -n "__devenv_at 'run'" -l env -s e -r -f -d 'Set a variable'
complete -c devenv -n "__devenv_at 'run'" -l keep -d 'Do not remove the container after'
complete -c devenv -n "__devenv_at 'run'" -l name -r -f -d 'Of the container'
complete -c devenv -n "__devenv_at 'run'" -l no-deps -d 'Do not bring up what the service depends on'
complete -c devenv -n "__devenv_at 'run'" -l no-tty -s T -d 'No terminal, even when we have one'
complete -c devenv -n "__devenv_at 'run'" -l rm -d 'Remove it after: the default'
complete -c devenv -n "__devenv_at 'run'" -l service-ports -s P -d 'Publish the service\'s ports too'
complete -c devenv -n "__devenv_at 'run'" -l user -s u -r -f -d 'Run as this user'
complete -c devenv -n "__devenv_at 'run'" -l volume -s v -r -f -d 'Mount this too'
complete -c devenv -n "__devenv_at 'run'" -l workdir -s w -r -f -d 'Run in this folder'
complete -c devenv -n "__devenv_at 'run'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'run'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'run'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'run'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'run'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'run'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'run'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'run'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'run'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'run'" -l verbose -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'run'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'run' 0" -f -a '(__devenv_names service)'
complete -c devenv -n "__devenv_at '' 0" -f -a tunnel -d 'Open SSH tunnels to databases'
complete -c devenv -n "__devenv_at 'tunnel'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'tunnel'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'tunnel'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'tunnel'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'tunnel'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'tunnel'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'tunnel'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'tunnel'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'tunnel'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'tunnel'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'tunnel'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'tunnel'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'tunnel'" -f -a '(__devenv_names tunnel)'
complete -c devenv -n "__devenv_at '' 0" -f -a onboard -d 'From a new machine to a running workspace, in one command'
complete -c devenv -n "__devenv_at 'onboard'" -l dir -r -f -a '(__fish_complete_directories)' -d 'Where the workspace is, or is cloned to'
complete -c devenv -n "__devenv_at 'onboard'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'onboard'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'onboard'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'onboard'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'onboard'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'onboard'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'onboard'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'onboard'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'onboard'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'onboard'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'onboard'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at '' 0" -f -a new -d 'Write a manifest from a template, or list the templates'
complete -c devenv -n "__devenv_at 'new'" -l dir -r -f -a '(__fish_complete_directories)' -d 'The workspace to write into'
complete -c devenv -n "__devenv_at 'new'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'new'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'new'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'new'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'new'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'new'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'new'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'new'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'new'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'new'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'new'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'new'" -f -a '(__devenv_names template)'
complete -c devenv -n "__devenv_at '' 0" -f -a doctor -d 'Tell what is wrong with this machine and how to mend it'
complete -c devenv -n "__devenv_at 'doctor'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'doctor'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'doctor'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'doctor'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'doctor'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'doctor'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'doctor'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'doctor'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'doctor'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'doctor'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'doctor'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'doctor'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at '' 0" -f -a engine -d 'The engine that runs containers, and the embedded one'
complete -c devenv -n "__devenv_at 'engine'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'engine'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'engine'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'engine'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'engine'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'engine'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'engine'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'engine'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'engine'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'engine'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'engine'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'engine' 0" -f -a start -d 'Start the embedded engine and print its address'
complete -c devenv -n "__devenv_at 'engine start'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'engine start'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'engine start'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'engine start'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'engine start'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'engine start'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'engine start'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'engine start'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'engine start'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'engine start'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'engine start'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'engine' 0" -f -a stop -d 'Stop the embedded engine and its containers'
complete -c devenv -n "__devenv_at 'engine stop'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'engine stop'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'engine stop'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'engine stop'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'engine stop'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'engine stop'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'engine stop'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'engine stop'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'engine stop'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'engine stop'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'engine stop'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'engine' 0" -f -a status -d 'Tell which engine is used, and why'
complete -c devenv -n "__devenv_at 'engine status'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'engine status'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'engine status'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'engine status'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'engine status'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'engine status'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'engine status'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'engine status'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'engine status'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'engine status'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'engine status'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'engine status'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at '' 0" -f -a completion -d 'Print a completion script for a shell'
complete -c devenv -n "__devenv_at 'completion'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'completion'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'completion'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'completion'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'completion'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'completion'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'completion'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'completion'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'completion'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'completion'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'completion'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'completion'" -f -a '(__devenv_names shell)'
complete -c devenv -n "__devenv_at '' 0" -f -a version -d 'Print the version of devenv'
complete -c devenv -n "__devenv_at 'version'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'version'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'version'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'version'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'version'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'version'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'version'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'version'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'version'" -l format -r -f -a 'table json' -d 'How results are printed'
complete -c devenv -n "__devenv_at 'version'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'version'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'version'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at '' 0" -f -a help -d 'Show help about devenv or one of its commands'
complete -c devenv -n "__devenv_at 'help'" -l file -s f -r -F -d 'Compose file to load; may be repeated'
complete -c devenv -n "__devenv_at 'help'" -l project-name -s p -r -f -d 'Project name'
complete -c devenv -n "__devenv_at 'help'" -l directory -s C -r -f -a '(__fish_complete_directories)' -d 'Run as if started in DIR'
complete -c devenv -n "__devenv_at 'help'" -l profile -r -f -d 'Profile to activate; may be repeated'
complete -c devenv -n "__devenv_at 'help'" -l env-file -r -F -d 'Read variables from FILE instead of .env'
complete -c devenv -n "__devenv_at 'help'" -l context -r -f -d 'Docker context whose engine is used'
complete -c devenv -n "__devenv_at 'help'" -l host -s H -r -f -d 'Address of the engine'
complete -c devenv -n "__devenv_at 'help'" -l progress -r -f -a 'auto tty plain json quiet' -d 'How progress is shown'
complete -c devenv -n "__devenv_at 'help'" -l yes -s y -d 'Answer yes to every question'
complete -c devenv -n "__devenv_at 'help'" -l verbose -s v -d 'Say more about what is done'
complete -c devenv -n "__devenv_at 'help'" -l help -s h -d 'Show help'
complete -c devenv -n "__devenv_at 'help'" -f -a '(__devenv_names command)'
