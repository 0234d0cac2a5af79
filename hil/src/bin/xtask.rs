//! `cargo xtask`: build tasks, checks and benchmarks. `cargo xtask help` lists them.

use hb_hil::test::{self, STEPS, Step};
use hb_hil::{bench, dist, faults, firmware, fuzz, gate, model, sim, wires};
use std::process::ExitCode;
use std::time::Duration;

/// The longest that a campaign of the simulator may take.
const DAY: Duration = Duration::from_secs(86_400);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            help();
            Ok(())
        }
        ["test" | "ci"] => test::run(&STEPS.iter().collect::<Vec<_>>()),
        ["quick"] => test::quick::run(),
        ["publish"] => dist::publish::dry_run().map(|text| println!("{text}")),
        ["dist"] => dist::run(false).map(|text| println!("{text}")),
        ["dist", "--check"] => dist::run(true).map(|text| println!("{text}")),
        ["dist", "--parts"] => dist::parts(),
        ["gate", names @ ..] => gate::run(names).map(|text| println!("{text}")),
        ["setup", "--peers"] => hb_hil::setup::peers().map(|text| println!("{text}")),
        ["bench", names @ ..] => bench::run(names),
        ["hil", "--rig", file, rest @ ..] => wires::rig(file, rest),
        ["hil", "--replay", file] => hb_hil::virt::replay::command(std::path::Path::new(file)),
        ["hil", args @ ..] => hb_hil::virt::run::command(args, None),
        ["explore", args @ ..] if !args.is_empty() => model::explore(args),
        ["mistakes", names @ ..] if !names.is_empty() => {
            model::mistakes(names).map(|text| println!("{text}"))
        }
        ["bench-alone", name] => bench::one(name),
        ["faults", words @ ..] if !words.is_empty() => faults::run(words).map(|text| println!("{text}")),
        ["faults-alone", words @ ..] => faults::run_here(words).map(|text| println!("{text}")),
        ["churn", words @ ..] => faults::churn::run(words).map(|text| println!("{text}")),
        ["churn-alone", words @ ..] => faults::churn::run_here(words).map(|text| println!("{text}")),
        ["firmware", words @ ..] if !words.is_empty() => {
            firmware::command(words).map(|text| println!("{text}"))
        }
        ["fuzz", words @ ..] if !words.is_empty() => fuzz::run(words).map(|text| println!("{text}")),
        ["sim", args @ ..] if !args.is_empty() => sim::run(args, DAY).map(drop),
        ["sim-mixed", args @ ..] => sim::mixed(args, DAY).map(drop),
        ["wires-console", socket, words @ ..] => match wires::standin::console(socket, words) {
            Ok(code) => return ExitCode::from(code),
            Err(text) => Err(text),
        },
        ["wires", words @ ..] => wires::command(words),
        ["labgrid"] => wires::labgrid::run().map(|text| println!("{text}")),
        ["picture"] => hb_hil::picture::command(),
        names => steps(names).and_then(|steps| test::run(&steps)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("xtask: {text}");
            ExitCode::FAILURE
        }
    }
}

/// The step of each name.
fn steps(names: &[&str]) -> Result<Vec<&'static Step>, String> {
    let unknown = |name: &str| format!("no sub-command `{name}`; `cargo xtask help` lists them");
    names.iter().map(|&name| STEPS.iter().find(|s| s.name == name).ok_or_else(|| unknown(name))).collect()
}

fn help() {
    println!("cargo xtask SUB-COMMAND\n");
    println!("  test           all of the steps below, in order; installs what it needs when run as root");
    println!("  quick          the part of them that answers within 5 minutes; says what it leaves out");
    println!("  dist [--check] static i586 binary and a native one into target/dist; --check also runs it");
    println!("  dist --parts   what each part of the i586 binary that can be left out adds to it, in bytes");
    println!(
        "  publish        core and bridge packed for a registry and built from there; nothing is sent\n"
    );
    println!("  hil [CASE...] [--list] [--all] [--keep]  cases on two emulated i386 machines (root)");
    println!("  hil --hbd FILE [CASE...]   the same with another hbd than the one that is built here");
    println!("  hil --rig FILE [CASE...]   cases on what the file describes: such machines, or real servers");
    println!(
        "  hil|wires ... [--repeat N] [--until-fail] [--shard K/N]   again and again, or the Kth of N parts; both"
    );
    println!("                 leave verdicts.json and junit.xml");
    println!("  picture                    runs the demo and draws docs/demo.svg of it");
    println!("  hil --replay FILE          the faults in a case's verdict.json, in the simulator");
    println!(
        "  gate [NAME...] [--all] [--list]  the i586 binary on a 2.4 kernel's calls and a Pentium (root)"
    );
    println!("  setup --peers       fetch what bench --peers measures beside hbd; nothing is installed");
    println!(
        "  bench [NAME...] [--peers]  measure on the rig of namespaces (root); --peers adds keepalived and the original"
    );
    println!(
        "  faults --all | CALL[:ERROR]...  each system call of the daemon's loop fails or is late (root)"
    );
    println!("  churn [--minutes N]        a bad day of two daemons, and what it leaves behind (root)");
    println!("  firmware BOARD [--flash]   the bridge's program for a board; --flash puts it there");
    println!(
        "  firmware --log             the emulated board's defmt log, against hil/src/firmware/log.snapshot"
    );
    println!(
        "  firmware --resets N        the emulated board's outputs, through N resets and ten times as much noise"
    );
    println!("  fuzz TARGET... [--seconds N] [--keep]  some targets for longer; --keep grows their corpus");
    println!(
        "  sim [--seeds N] [--from S] [--jobs J] [--record FILE]  seeds of the simulator; goes on where FILE ends"
    );
    println!("  sim-mixed [--seeds N] ...  the same, of pairs whose nodes speak two versions of the wire");
    println!("  sim --seed S | --speed     one seed with its timeline; simulated time per real time");
    println!(
        "  wires [--rig FILE] [CASE...] [--list]  this machine as the peer of a server on a null-modem; a"
    );
    println!("                 stand-in for the server without --rig (root)");
    println!("  labgrid        the stand-in's power behind a place of labgrid, with its own programs (root)");
    println!(
        "  explore [--campaign | --depth N --fine --case NAME --groups N]  the exhaustive check, further than its step"
    );
    println!("  mistakes NAME...  the core with these mistakes alone");
    println!("\nsteps, each alone or several by name:");
    for step in STEPS {
        println!("  {:<14} {}", step.name, step.about);
    }
    println!("\nfuzz targets:");
    fuzz::list();
    println!("\nbenchmarks:");
    bench::list();
}
