# SPDX-License-Identifier: GPL-2.0-only
# completion of tdi for bash; needs nothing else

# functions with the attribute $1
_tdi_functions() {
	local file

	for file in /sys/bus/pci/devices/*/"$1"; do
		[ ! -e "$file" ] || { file=${file%/"$1"}; echo "${file##*/}"; }
	done
}

_tdi() {
	local cur=${COMP_LINE:0:COMP_POINT} before=() command word words=

	# the colons of a BDF break bash's own words
	read -ra before <<<"$cur"
	if [[ $cur == *[[:space:]] ]]; then
		cur=
	else
		cur=${before[-1]}
		unset 'before[-1]'
	fi
	command=${before[1]:-}
	case $command in
	'') words="list show connect disconnect retry vfio release events trace report audit firmware --help" ;;
	list | audit) words="--json --help" ;;
	firmware) words="--help" ;;
	show) words="--json --help $(_tdi_functions tdi/state)" ;;
	retry | vfio | release) words="--help $(_tdi_functions tdi/state)" ;;
	disconnect) words="--help $(_tdi_functions tsm/connect)" ;;
	connect)
		words="--help $(_tdi_functions tsm/connect)"
		if [ ${#before[@]} -gt 2 ]; then
			words=
			for word in /sys/class/tsm/*; do
				[ ! -e "$word" ] || words+=" ${word##*/}"
			done
		fi
		;;
	events) words="--json --all --count --timeout --help $(_tdi_functions tdi/state)" ;;
	report)
		case ${before[-1]} in
		--report | --certs | --measurements) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		words="--json --report --certs --measurements --help"
		;;
	trace)
		case ${before[-1]} in
		-o) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		trace) mapfile -t COMPREPLY < <(compgen -W "-o --help" -- "$cur"; compgen -c -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -c -f -- "$cur") ;;
		esac
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# bash replaces what follows the last colon
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
	fi
}

complete -F _tdi tdi
