//! What the scripts of a machine answer, what that does, and what it proves: S4 in the explorer's own words.

use super::rules::{Checked, Violation};
use super::scripts::{Call, End, Oddity, Proof};
use super::shell::letter;
use super::world::{GROUPS, World};
use hb_core::{GroupId, Input, Outcome, Saved, Token, Verb};

impl World {
    /// A script is called: its answer, if it is there at once.
    pub(super) fn call_script(
        &mut self,
        host: usize,
        group: usize,
        verb: Verb,
        token: Token,
    ) -> Result<Option<Input<'static>>, Violation> {
        let since = self.now;
        let machine = &mut self.machines[host];
        let answer = |outcome| Ok(Some(Input::ScriptDone { token, outcome }));
        let before = (machine.runs[group], machine.memory.proof[group].stopped);
        let call = |end| Call { token, group, verb, since, end, before };
        if machine.scripts.run_nothing() {
            machine.scripts.felt.get_or_insert(since);
            self.judge(host, group, verb, Outcome::NotRun);
            return answer(Outcome::NotRun);
        }
        if verb == Verb::Status {
            let outcome = match machine.scripts.oddity {
                Oddity::Deaf => {
                    machine.scripts.felt.get_or_insert(since);
                    machine.scripts.calls.push(call(End::Never));
                    return Ok(None);
                }
                Oddity::Silent => Outcome::Unclear,
                Oddity::Partly if machine.runs[group] => Outcome::Partly,
                Oddity::Nothing | Oddity::NotRun | Oddity::Gone if machine.runs[group] => Outcome::Running,
                Oddity::Nothing | Oddity::NotRun | Oddity::Gone | Oddity::Partly => Outcome::Stopped,
            };
            self.judge(host, group, verb, outcome);
            return answer(outcome);
        }
        if verb == Verb::Start {
            self.check_start(host, group)?;
            self.start_writes(host)?;
            let machine = &mut self.machines[host];
            machine.runs[group] = true;
            machine.memory.proof[group] = Proof::default();
            machine.scripts.started[group] = true;
            machine.scripts.unrecorded[group] = machine.memory.unproven[group];
        }
        self.machines[host].scripts.calls.push(call(End::Open));
        self.tell(|| format!("{} calls {} of group {group}", letter(host), verb.as_str()));
        Ok(None)
    }

    /// A call under way ends by itself: it did what it should, or not.
    pub(super) fn finish(&mut self, host: usize, group: usize, outcome: Outcome, does: bool) -> Checked {
        let Some(call) = self.call(host, group).copied() else { return Ok(()) };
        self.machines[host].scripts.calls.retain(|other| other.token != call.token);
        self.takes_effect(host, &call, outcome, does);
        self.input(host, Input::ScriptDone { token: call.token, outcome })
    }

    fn takes_effect(&mut self, host: usize, call: &Call, outcome: Outcome, does: bool) {
        match (call.verb, outcome) {
            // What could not be run has done nothing.
            (Verb::Start, Outcome::NotRun) => {
                let machine = &mut self.machines[host];
                machine.memory.proof[call.group].stopped = call.before.1;
                machine.scripts.started[call.group] = !call.before.1;
                if !call.before.0 {
                    self.taken_down(host, call.group);
                }
            }
            // A start that fails leaves nothing behind.
            (Verb::Start, Outcome::Failed(_)) if !does && !call.before.0 => self.taken_down(host, call.group),
            (Verb::Stop, _) if does => self.taken_down(host, call.group),
            _ => {}
        }
        self.judge(host, call.group, call.verb, outcome);
    }

    /// `KillScript`: what the shell answers, if it can.
    pub(super) fn kill_script(&mut self, host: usize, token: Token) -> Option<Input<'static>> {
        let scripts = &mut self.machines[host].scripts;
        let at = scripts.calls.iter().position(|call| call.token == token)?;
        let call = scripts.calls.remove(at);
        let outcome = match call.end {
            // A `status` that comes at last is of no account.
            End::Never if call.verb == Verb::Status => return None,
            End::Never => {
                scripts.left.push((token, call.group, call.verb));
                return None;
            }
            End::Late => Outcome::Ok,
            // What a killed script began stays as it is.
            End::Open | End::Killed => Outcome::Killed,
        };
        self.takes_effect(host, &call, outcome, call.end == End::Late);
        Some(Input::ScriptDone { token, outcome })
    }

    /// The daemon is gone, and nobody hears of its calls any more. What they began stays as it is.
    pub(super) fn forget_calls(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        machine.scripts.calls.clear();
        for (_, group, verb) in machine.scripts.left.drain(..) {
            machine.runs[group] |= verb == Verb::Start;
        }
    }

    /// A call that nothing could kill is gone at last: a `start` has brought its resource up.
    pub(super) fn left_ends(&mut self, host: usize) -> Checked {
        let machine = &mut self.machines[host];
        if machine.scripts.left.is_empty() {
            return Ok(());
        }
        let (token, group, verb) = machine.scripts.left.remove(0);
        if verb == Verb::Start {
            machine.runs[group] = true;
        }
        self.tell(|| format!("{}'s {} of group {group} is gone at last", letter(host), verb.as_str()));
        self.judge(host, group, verb, Outcome::Killed);
        self.input(host, Input::ScriptDone { token, outcome: Outcome::Killed })
    }

    /// What an answer proves: S4 in its own words.
    fn judge(&mut self, host: usize, group: usize, verb: Verb, outcome: Outcome) {
        let machine = &mut self.machines[host];
        let (gone, started) = (machine.scripts.oddity == Oddity::Gone, &mut machine.scripts.started[group]);
        let proof = &mut machine.memory.proof[group];
        match (verb, outcome) {
            (Verb::Status, Outcome::Stopped) => proof.stopped = true,
            // A script without a `status`: its `stop` has to do; or there was nothing to stop, by the record.
            (Verb::Status, Outcome::Unclear) => {
                proof.stopped |= proof.done || (proof.refused >= 2 && !*started);
            }
            (Verb::Status, Outcome::NotRun) => proof.stopped |= gone && !*started,
            (Verb::Status, Outcome::Running | Outcome::Partly) => {
                *proof = Proof { refused: proof.refused, ..Proof::default() };
                *started = true;
            }
            (Verb::Stop, Outcome::Ok) => (proof.done, proof.refused) = (true, 0),
            (Verb::Stop, Outcome::Failed(_)) => {
                (proof.done, proof.refused) = (false, proof.refused.saturating_add(1).min(2));
            }
            _ => {}
        }
        *started &= !proof.stopped;
        machine.scripts.unrecorded[group] &= machine.scripts.started[group];
    }

    /// What the daemon knows is on the disk.
    pub(super) fn recorded(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        for (unrecorded, unproven) in machine.scripts.unrecorded.iter_mut().zip(machine.memory.unproven) {
            *unrecorded &= !unproven;
        }
    }

    /// The state file is lost.
    pub(super) fn lose_file(&mut self, host: usize) {
        let machine = &mut self.machines[host];
        machine.disk = Saved::default();
        for group in 0..GROUPS {
            machine.scripts.unrecorded[group] |= machine.scripts.started[group];
        }
    }

    /// Something is odd from now on; the daemon is told if it can see it.
    pub(super) fn odd(&mut self, host: usize, oddity: Oddity) -> Checked {
        let scripts = &mut self.machines[host].scripts;
        (scripts.oddity, scripts.felt) = (oddity, None);
        self.tell_scripts(host)
    }

    /// A daemon that runs is told whether the scripts are there, once it has read what waited for it: its helper looks
    /// after them, and the loop reads the links first.
    pub(super) fn tell_scripts(&mut self, host: usize) -> Checked {
        let gone = self.machines[host].scripts.oddity == Oddity::Gone;
        let reads = !self.machines[host].socket.is_empty();
        if gone == self.machines[host].scripts.told_gone || reads || self.awake(host).is_none() {
            return Ok(());
        }
        self.machines[host].scripts.told_gone = gone;
        for group in self.groups() {
            let group = GroupId(u8::from(group == 1));
            self.input(host, Input::Claimable { group, claimable: !gone })?;
        }
        Ok(())
    }

    /// A daemon that starts without its scripts could know from the disk what this boot has started. Where a write was
    /// lost nobody can.
    pub(super) fn on_record(&self, host: usize) -> bool {
        self.machines[host].scripts.unrecorded == [false; GROUPS]
    }
}
