//! A series of cases: which of them run, how often, and what is left for machines to read.
//!
//! `--repeat N` plays all of them N times, `--until-fail` again and again until one fails, `--shard K/N` only every
//! Nth of them, beginning with the Kth, so that N benches share the work. The verdicts go into `verdicts.json` and
//! `junit.xml` ([`verdicts`]).

pub mod junit;
pub mod verdicts;

pub use verdicts::{One, Outcome, Verdicts};

/// Rounds of `--until-fail` without `--repeat`: what is still stable then was not going to fail tonight.
const ROUNDS: u32 = 10_000;

/// Which cases run, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Series {
    repeat: Option<u32>,
    until_fail: bool,
    /// The part, from 1, and how many there are.
    shard: Option<(usize, usize)>,
}

impl Series {
    /// Takes `word`, with what belongs to it from `rest`; `false` if it is no word of a series.
    ///
    /// # Errors
    /// What belongs to it is missing or makes no sense.
    pub fn take<'a>(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = &'a &'a str>,
    ) -> Result<bool, String> {
        match word {
            "--repeat" => {
                let times = rest.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0 && n <= ROUNDS);
                self.repeat = Some(times.ok_or(format!("--repeat wants a number from 1 to {ROUNDS}"))?);
            }
            "--until-fail" => self.until_fail = true,
            "--shard" => {
                let part = rest.next().and_then(|text| text.split_once('/'));
                let part = part.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
                let part = part.filter(|&(k, n): &(usize, usize)| k >= 1 && k <= n);
                self.shard = Some(part.ok_or("--shard wants K/N with K from 1 to N, for example 1/3")?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The same as words, for a program that runs them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(times) = self.repeat {
            words.extend(["--repeat".to_owned(), times.to_string()]);
        }
        if self.until_fail {
            words.push("--until-fail".to_owned());
        }
        if let Some((k, n)) = self.shard {
            words.extend(["--shard".to_owned(), format!("{k}/{n}")]);
        }
        words
    }

    /// This part of them.
    pub fn share<T>(&self, cases: Vec<T>) -> Vec<T> {
        match self.shard {
            None => cases,
            Some((k, n)) => cases.into_iter().skip(k - 1).step_by(n).collect(),
        }
    }

    /// How many rounds there are at most.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.repeat.unwrap_or(if self.until_fail { ROUNDS } else { 1 })
    }

    /// Whether another round follows one after which so many cases have failed in all.
    fn goes_on(&self, failed: usize) -> bool {
        !(self.until_fail && failed > 0)
    }

    /// Has `one` play this part of the cases, round by round.
    ///
    /// # Errors
    /// As `one`: never what a case found.
    pub fn play<C>(
        &self,
        suite: &str,
        cases: &[C],
        mut one: impl FnMut(u32, &C) -> Result<One, String>,
    ) -> Result<Verdicts, String> {
        let mut verdicts = Verdicts::new(suite);
        for round in 1..=self.rounds() {
            if !self.goes_on(verdicts.counts().1) {
                break;
            }
            for case in cases {
                verdicts.all.push(one(round, case)?);
            }
        }
        Ok(verdicts)
    }
}

/// Where a case's evidence goes: the case's name, and in a later round the round's number before it.
#[must_use]
pub fn folder(round: u32, case: &str) -> String {
    if round <= 1 { case.to_owned() } else { format!("round-{round}/{case}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(words: &[&str]) -> Result<Series, String> {
        let mut series = Series::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if !series.take(word, &mut rest)? {
                return Err(format!("not a word of a series: {word}"));
            }
        }
        Ok(series)
    }

    #[test]
    fn the_shares_of_all_parts_are_all_cases_once() {
        for parts in 1..6 {
            let mut all: Vec<u32> = (1..=parts)
                .flat_map(|k| series(&["--shard", &format!("{k}/{parts}")]).unwrap().share((0..17).collect()))
                .collect();
            all.sort_unstable();
            assert_eq!(all, (0..17).collect::<Vec<_>>(), "{parts} parts");
        }
        assert_eq!(series(&["--shard", "3/3"]).unwrap().share(vec!["a", "b"]), Vec::<&str>::new());
    }

    #[test]
    fn rounds_are_bounded_and_end_with_the_first_failure_where_that_is_asked() {
        let once = series(&[]).unwrap();
        assert!(once.rounds() == 1 && once.goes_on(1));
        let five = series(&["--repeat", "5"]).unwrap();
        assert!(five.rounds() == 5 && five.goes_on(3));
        let both = series(&["--until-fail", "--repeat", "7"]).unwrap();
        assert!(both.rounds() == 7 && both.goes_on(0) && !both.goes_on(1));
        assert_eq!(series(&["--until-fail"]).unwrap().rounds(), ROUNDS);
    }

    #[test]
    fn words_that_make_no_sense_are_refused_and_good_ones_survive_being_written() {
        for words in [
            &["--repeat"][..],
            &["--repeat", "0"],
            &["--repeat", "often"],
            &["--shard"],
            &["--shard", "0/3"],
            &["--shard", "4/3"],
            &["--shard", "1"],
        ] {
            assert!(series(words).is_err_and(|e| e.contains("wants")), "{words:?}");
        }
        let words = ["--repeat", "3", "--until-fail", "--shard", "2/4"];
        let some = series(&words).unwrap();
        assert_eq!(some.words(), words);
        assert_eq!(Series::default().words(), Vec::<String>::new());
    }

    #[test]
    fn a_later_round_replaces_no_evidence() {
        assert_eq!(folder(1, "cut"), "cut");
        assert_eq!(folder(2, "cut"), "round-2/cut");
    }
}
