//! The verdicts as JUnit XML, which every build server reads.

use super::verdicts::{Outcome, Verdicts};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;

/// One `testsuite` a round, one `testcase` a case. A skipped case is `skipped` with its reason: not a success.
///
/// # Errors
/// The text cannot be made.
pub fn text(verdicts: &Verdicts) -> Result<String, String> {
    let mut suites: BTreeMap<u32, TestSuite> = BTreeMap::new();
    for one in &verdicts.all {
        let status = match &one.outcome {
            Outcome::Passed => TestCaseStatus::success(),
            Outcome::Failed(why) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(why.join("; "));
                status
            }
            Outcome::Skipped(why) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(why.as_str());
                status
            }
        };
        let mut case = TestCase::new(one.case.as_str(), status);
        case.set_classname(verdicts.suite.as_str()).set_time(one.took).set_system_out(one.detail.as_str());
        let name = if one.round <= 1 {
            verdicts.suite.clone()
        } else {
            format!("{} round {}", verdicts.suite, one.round)
        };
        suites.entry(one.round).or_insert_with(|| TestSuite::new(name)).add_test_case(case);
    }
    let mut report = Report::new(verdicts.suite.as_str());
    report.add_test_suites(suites.into_values());
    report.to_string().map_err(|e| format!("{}: {e}", verdicts.suite))
}

#[cfg(test)]
mod tests {
    use super::super::verdicts::tests::some;
    use super::*;

    #[test]
    fn each_case_is_there_with_its_verdict_and_markup_is_escaped() {
        let text = text(&some()).expect("a report");
        assert!(text.contains(r#"tests="3""#) && text.contains(r#"failures="1""#), "{text}");
        assert!(text.contains(r#"<testsuite name="wires ha-1""#), "{text}");
        assert!(text.contains(r#"<testsuite name="wires ha-1 round 2""#), "{text}");
        assert!(text.contains(r#"<skipped message="no power_off in the file""#), "{text}");
        assert!(text.contains("both served &lt;3 s&gt; &amp; more; late"), "{text}");
        assert!(text.contains("outage 41 ms") && text.contains(r#"time="1.500""#), "{text}");
    }
}
