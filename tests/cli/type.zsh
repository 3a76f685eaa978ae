# Type a line and a Tab into an interactive zsh of its own, and print the line that it became.
# zsh -f type.zsh FOLDER LINE; FOLDER holds _devenv.
zmodload zsh/zpty zsh/datetime zsh/zselect
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "PS1= PS2= ; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump"
# What is typed is echoed, maybe late: so it has neither mark whole.
zpty -w shell 'show() { print -r -- "<""<$BUFFER>"">" }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word'
zpty -w shell 'print REA''DY'
integer end=$((EPOCHSECONDS + 60))
heard=
while [[ $heard != *READY* ]] && ((EPOCHSECONDS < end)); do
	zpty -r -t shell piece && heard+=$piece || zselect -t 2
done
zpty -n -w shell "$2"$'\t\x18'
heard=
while [[ $heard != *'<<'*'>>'* ]] && ((EPOCHSECONDS < end)); do
	zpty -r -t shell piece && heard+=$piece || zselect -t 2
done
line=${heard##*<<}
line=${line%%>>*}
print -r -- ${line%% }
zpty -d shell
