//! A script as the binary carries it: with the comment at its head, which says how it is called, and without the others.

/// `script` without the lines that hold a comment alone, but for those before the first other line. No here-document of
/// ours has a line that begins so.
pub(crate) fn pare(script: &str) -> String {
    let mut head = true;
    script
        .split_inclusive('\n')
        .filter(|line| {
            let comment = line.trim_start().starts_with('#');
            head &= comment;
            head || !comment
        })
        .collect()
}
