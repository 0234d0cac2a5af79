//! `hbd help`.

/// The lines of a build with data.
#[cfg(feature = "data")]
macro_rules! data {
    () => {
        "  hbd sync [GROUP] [--delete] [--no-wait]        bring the copy of the data here up to date now
  hbd guard [--quiet] GROUP -- COMMAND           run a copying of one's own (cron) when it is safe, as a pull of hbd's
  hbd data list [GROUP]           what pulls moved aside and the tree lacks
  hbd data restore GROUP          put it back, where the group is held
  hbd data init GROUP             what stands in the directory is the group's data (with the daemon stopped)
"
    };
}

/// A build without data says nothing of it.
#[cfg(not(feature = "data"))]
macro_rules! data {
    () => {
        ""
    };
}

/// The line of a build with `events`.
#[cfg(feature = "events")]
macro_rules! events {
    () => {
        "  hbd events [--since T] [--follow] [--json] [--both FILE]    what changed last, and why; who reset this machine
"
    };
}

/// A build without them says nothing of them.
#[cfg(not(feature = "events"))]
macro_rules! events {
    () => {
        ""
    };
}

/// The whole help.
pub(super) const HELP: &str = concat!(
    "\
hbd: heartbeat and watchdog daemon for two-node hot standby

  hbd run [--foreground]          start the daemon (in the background, once its links are open)
  hbd stop [--no-wait]            leave in order: the groups stop here and start on the peer
  hbd restart                     stop in order, which hands over to a peer that stands by, and start again
  hbd reload [--force]            read the files again: keys and more hold at once, the rest is said
  hbd status [--json|--nagios]    this node, the peer, links, groups, watchdog, ping nodes; the first line says if all is well
  hbd check                       examine the configuration and this machine; touches nothing
  hbd check --exercise WHAT       start and stop a group, or a script with its arguments; says what it does wrong
  hbd standby [all|local|foreign] [--no-wait]    give groups to the peer
  hbd takeover [all|local|foreign] [--no-wait]   take groups from the peer
  hbd confirm-down NODE           vouch that the peer is switched off, so that its groups may be taken
                 [--force]        also while a service address still answers
  hbd clear GROUP                 forget a failed start, or try a stuck stop again
",
    data!(),
    events!(),
    "  hbd demo                        show a failover: two daemons on this machine, no root, 30 seconds
  hbd linktest [--baud RATE] [--seconds N] [--wait N] DEVICE    measure a null-modem cable; run it on both ends
  hbd install [--from-heartbeat] [--uninstall] [--dry-run] [--root DIR]    put this program and all around it in place
  hbd send-arp ...                announce an address (for resource scripts)
  hbd version, hbd help

Options: --config-dir DIR   ha.cf, haresources, authkeys, resource.d  (/etc/ha.d)
         --state-dir DIR    what is kept across restarts              (/var/lib/heartbeat)
         --run-dir DIR      process number and control socket         (/var/run/heartbeat)
         --node NAME        this node's name                          (uname -n)

A group is named by its first resource in haresources; local groups prefer this node.
Exit codes: 0 ok, 1 failure, 2 usage, 3 status: stopped (elsewhere: not in this version),
            4 permission, 5 not installed, 6 not configured, 7 not running."
);
