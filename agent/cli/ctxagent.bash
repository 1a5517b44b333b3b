# SPDX-License-Identifier: Apache-2.0
# Completion of ctxagent for bash. Commands and options are asked of ctxagent itself, so they are never stale.
# shellcheck shell=bash

_ctxagent() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local tool=${COMP_WORDS[0]} command=${COMP_WORDS[1]-} i
	COMPREPLY=()

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') --version --help" -- "$cur")
		return
	fi
	if [ "$command" = run ]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			case ${COMP_WORDS[i]} in
			--dir | --out | --otlp) ((i++)) ;;
			--) ((i++)) && break ;;
			-*) ;;
			*) break ;;
			esac
		done
		# the program has begun: its own completion takes over
		if ((i < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
			_command_offset "$i"
			return
		elif ((i < COMP_CWORD)); then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
	fi
	case $prev in
	--dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--out)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--otlp)
		mapfile -t COMPREPLY < <(compgen -W "http://localhost:4318" -- "$cur")
		return
		;;
	--pid)
		mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")
		return
		;;
	--trace)
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" show 2>/dev/null | sed -n 's/^trace \([0-9a-f]*\) .*/\1/p' | tail -n 50)" -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" help "$command" 2>/dev/null | sed -n 's/^  \(--[a-z]*\).*/\1/p') --help" -- "$cur")
		return
		;;
	esac
	case $command in
	run | doctor) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	help) mapfile -t COMPREPLY < <(compgen -W "$("$tool" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') settings counters" -- "$cur") ;;
	esac
}

complete -F _ctxagent ctxagent
