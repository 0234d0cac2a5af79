# bash completion for hbd
_hbd_groups() { hbd status --json 2>/dev/null | grep -o '"name":"[^"]*","preferred"' | cut -d'"' -f4; }
_hbd() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= word words
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in -*) ;; *) verb=$word; break ;; esac
	done
	case $prev in
	--config-dir|--state-dir|--run-dir|--root) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--node) COMPREPLY=($(compgen -W "$(sed -n 's/^[[:space:]]*node[[:space:]]//p' /etc/ha.d/ha.cf 2>/dev/null)" -- "$cur")); return ;;
	esac
	case $verb in
	"") words="help $("${COMP_WORDS[0]}" help 2>/dev/null | sed -n 's/^  hbd \([a-z-]*\).*/\1/p')" ;;
	run) words=--foreground ;;
	stop) words=--no-wait ;;
	reload) words=--force ;;
	config) words="show digest" ;;
	check) words=--exercise ;;
	status) words="--json --nagios --prometheus" ;;
	standby|takeover) words="all local foreign --no-wait $(_hbd_groups)" ;;
	confirm-down) words="--force $(sed -n 's/^[[:space:]]*node[[:space:]]//p' /etc/ha.d/ha.cf 2>/dev/null)" ;;
	clear|why) words=$(_hbd_groups) ;;
	help) words="run stop restart reload status check config standby takeover confirm-down clear fence sync data monitor simulate drill why events demo linktest send-arp install" ;;
	fence) words="--test $(sed -n 's/^[[:space:]]*node[[:space:]]//p' /etc/ha.d/ha.cf 2>/dev/null)" ;;
	simulate) words="--kill --cut --freeze --standby --takeover --slow-script --loss --boot --seed --plot" ;;
	drill) words="all local foreign --port --json --html --yes" ;;
	sync) words="--delete --no-wait" ;;
	events) words="--since --follow --json --both" ;;
	data) words="list restore init" ;;
	linktest) words="--baud --seconds --wait $(echo /dev/ttyS*)" ;;
	install) words="--root --from-heartbeat --uninstall --dry-run" ;;
	*) words= ;;
	esac
	COMPREPLY=($(compgen -W "$words --config-dir --state-dir --run-dir --node" -- "$cur"))
}
complete -F _hbd hbd
