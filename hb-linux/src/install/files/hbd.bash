# bash completion for hbd
_hbd_groups() { hbd status --json 2>/dev/null | grep -o '"name":"[^"]*","preferred"' | cut -d'"' -f4; }
_hbd_nodes() { sed -n 's/^[[:space:]]*node[[:space:]]//p' /etc/ha.d/ha.cf 2>/dev/null; }
_hbd() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= word words
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in -*) ;; *) verb=$word; break ;; esac
	done
	case $prev in
	--config-dir|--state-dir|--run-dir|--root) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--node) COMPREPLY=($(compgen -W "$(_hbd_nodes)" -- "$cur")); return ;;
	esac
	case $verb in
	"") words="help $("${COMP_WORDS[0]}" help 2>/dev/null | sed -n 's/^  hbd \([a-z-]*\).*/\1/p')" ;;
@CASES@
	*) words= ;;
	esac
	COMPREPLY=($(compgen -W "$words --config-dir --state-dir --run-dir --node" -- "$cur"))
}
complete -F _hbd hbd
