use super::*;

fn read(text: &str, piece: usize) -> Words {
    let mut answer = Answer::new();
    text.as_bytes().chunks(piece).for_each(|p| answer.feed(p));
    answer.words()
}

fn table(table: &[(&str, Words)]) {
    for (text, words) in table {
        for piece in 1..=text.len().max(1) {
            assert_eq!(read(text, piece), *words, "{text:?} in pieces of {piece}");
        }
    }
}

/// Every cell of the table in the module's documentation, and every exit code.
#[test]
fn the_whole_table_of_words_and_codes() {
    use Outcome::{Partly, Running, Stopped, Unclear};
    // By words: exit 0 of a script that tells, of one that does not, exit 3, any other end.
    let rows = [
        (Words::Running, [Running, Running, Running, Running]),
        (Words::Stopped, [Stopped, Stopped, Stopped, Stopped]),
        (Words::Both, [Running, Partly, Stopped, Partly]),
        (Words::Neither, [Running, Unclear, Stopped, Unclear]),
        (Words::Moving, [Running, Partly, Partly, Partly]),
    ];
    for (words, [zero_tells, zero, three, other]) in rows {
        for code in 0..=255 {
            for tells in [true, false] {
                let expected = match (code, tells) {
                    (0, true) => zero_tells,
                    (0, false) => zero,
                    (3, _) => three,
                    _ => other,
                };
                assert_eq!(judge(words, Ended::Code(code), tells), expected, "{words:?} {code} {tells}");
                assert_eq!(
                    judge(words, Ended::Signal(code), tells),
                    other,
                    "{words:?} signal {code} {tells}"
                );
            }
        }
    }
}

#[test]
fn answers_of_real_scripts() {
    use Words::{Both, Neither, Running, Stopped};
    table(&[
        ("httpd (pid 1234 1233) is running...\n", Running),
        ("httpd is stopped\n", Stopped),
        ("httpd dead but pid file exists\n", Neither),
        ("running\n", Running),
        ("Running OK\n", Running),
        ("stopped\n", Stopped),
        ("OK", Running),
        ("ok\n", Neither),
        ("RUNNING\n", Neither),
        ("jdmail not running\n", Stopped),
        ("NOT Running\n", Stopped),
        ("* sshd is not running ... failed!\n", Stopped),
        ("Checking for running httpd: not running\n", Stopped),
        ("smbd is running\nnmbd (pid 7) is running...\n", Running),
        ("smbd is stopped\nnmbd is stopped\n", Stopped),
        ("", Neither),
        ("Usage: jdmail {start|stop}\n", Neither),
        ("unused\n", Neither),
        ("not runnot running", Stopped),
        ("rrunning", Running),
        ("OOK", Running),
        ("knot  running", Running),
        ("not\nrunning", Running),
        // As Heartbeat 3.0 and those after it read them.
        ("db is not up and running\n", Stopped),
        ("kafka isn't running\n", Stopped),
        ("Isn't currently RUNNING", Stopped),
        ("kafka is runing (pid=1)\n", Neither),
        ("pg_ctl: no server running\n", Stopped),
        ("squid: ERROR: No running copy\n", Stopped),
        ("pg_ctl: server is running (PID: 1)\n", Running),
        ("it is not (yet) running\n", Stopped),
        ("nginx (no pid file) is running\n", Running),
        ("no stale lock, and running\n", Running),
        ("pid file not found but it is running\n", Running),
        ("no lock. httpd is running", Running),
        ("3\nsquid is running\n", Running),
        // In colours, in one word, with a printer's apostrophe, and with the other words that say no.
        ("web is \u{1b}[31mnot running\u{1b}[0m\n", Stopped),
        ("web is \u{1b}[1;31mnot\u{1b}[0m \u{1b}[1mrunning\u{1b}[m\n", Stopped),
        ("web is \u{1b}[32mrunning\u{1b}[0m\n", Running),
        ("[\u{1b}[0;32m  OK  \u{1b}[0;39m]\n", Running),
        ("web: notrunning\n", Stopped),
        ("ContainerNotRunning\n", Stopped),
        ("web isn\u{2019}t running\n", Stopped),
        ("cannot find a running web\n", Stopped),
        ("none running\n", Stopped),
        ("nothing is running here\n", Stopped),
        ("web is never running\n", Stopped),
        ("not_running\n", Stopped),
        // What is not stopped is not stopped.
        ("web is not stopped\n", Neither),
        ("web is running (not stopped)\n", Running),
        ("web has not been stopped, it is running\n", Running),
        ("web is not active (stopped)\n", Stopped),
        ("not running, stopped\n", Stopped),
        // Upstart.
        ("web start/running, process 4711\n", Running),
        ("web stop/waiting\n", Stopped),
        // systemd.
        ("   Active: active (running) since Mon\n", Running),
        ("   Active: active (exited) since Mon\n", Running),
        ("   Active: inactive (dead)\n", Stopped),
        ("   Active: failed (Result: exit-code)\n", Stopped),
        ("   Active: reloading (reload) since Mon\n", Running),
        ("   Active: active (running)\n\nNov 30 systemd[1]: Stopped The Apache HTTP Server.\n", Both),
        ("   Active: inactive (dead)\n\nNov 30 httpd: is running\n", Both),
        ("inactive\n", Neither),
    ]);
}

/// systemd and supervisord exit with 3 then, which would prove it stopped.
#[test]
fn what_is_being_started_or_stopped_is_not_stopped() {
    use Words::{Moving, Neither, Running, Stopped};
    table(&[
        ("   Active: activating (auto-restart) since Mon\n", Moving),
        ("   Active: deactivating (stop-sigterm) since Mon\n", Moving),
        (
            "   Active: deactivating (stop)\n\nNov 30 systemd[1]: Stopped Web.\nNov 30 systemd[1]: Stopping Web...\n",
            Moving,
        ),
        ("   Active: inactive (dead)\n\nNov 30 systemd[1]: Stopping Web...\n", Stopped),
        ("   Active: active (running)\n\nNov 30 systemd[1]: Starting Web...\n", Running),
        ("web                              STOPPING\n", Moving),
        ("web                              STARTING\n", Moving),
        ("web                              STOPPED   Nov 30 10:00 AM\n", Stopped),
        ("web: restarting\n", Neither),
    ]);
}

#[test]
fn half_of_a_service_is_neither_running_nor_stopped() {
    table(&[
        ("smbd (pid 40) is running...\nnmbd is stopped\n", Words::Both),
        ("rpc.mountd is stopped\nnfsd (pid 9 8) is running...", Words::Both),
        ("a is running\nb is not running\n", Words::Both),
        ("first is running\nsecond is Stopped\n", Words::Both),
        ("httpd is stopped\n[  OK  ]\n", Words::Stopped),
    ]);
}

#[test]
fn a_flood_before_the_word_changes_nothing() {
    let mut answer = Answer::new();
    for _ in 0..10_000 {
        answer.feed(b"not runn");
    }
    assert_eq!(answer.words(), Words::Neither);
    answer.feed(b"ing OK");
    assert_eq!(answer.words(), Words::Stopped);
    let mut answer = Answer::new();
    answer.feed(&[0xff; 4096]);
    answer.feed(b"Running");
    assert_eq!(answer.words(), Words::Running);
}
