//! The demo's printed rows, read back.

/// A chapter: what is done, and the seconds that follow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Chapter {
    pub(super) caption: String,
    pub(super) rows: Vec<Row>,
    /// What the client says of it: who answers after how long without.
    pub(super) remarks: Vec<String>,
}

/// One second.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) second: u32,
    /// What each node's box says, without spaces.
    pub(super) nodes: [String; 2],
    /// How the two lines are.
    pub(super) lines: [Line; 2],
    /// The client's marks, each 50 ms: answered or not.
    pub(super) marks: Vec<bool>,
}

/// A line between the nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// `==`
    Up,
    /// `xx`
    Dead,
    /// `..`: nobody has heard anything yet.
    Unknown,
}

/// All chapters of what the demo printed.
pub(super) fn read(text: &str) -> Vec<Chapter> {
    let mut story: Vec<Chapter> = Vec::new();
    let mut before = "";
    for line in text.lines() {
        if before.is_empty() && !line.is_empty() && !line.starts_with(' ') && !line.starts_with("Measured") {
            story.push(Chapter { caption: line.to_owned(), ..Chapter::default() });
        }
        if let Some(chapter) = story.last_mut() {
            chapter.rows.extend(row(line));
            if let Some((_, remark)) = line.split_once("client: ").filter(|(_, r)| r.contains("without")) {
                chapter.remarks.push(remark.to_owned());
            }
        }
        before = line;
    }
    story.retain(|chapter| !chapter.rows.is_empty());
    story
}

/// `   4 s  ha-1[  off   ] xxserialxx xxudpxx [  HELD  ]ha-2  x|||`
fn row(line: &str) -> Option<Row> {
    let (second, rest) = line.split_once(" s  ha-1[")?;
    let (first, rest) = rest.split_once("] ")?;
    let (serial, rest) = rest.split_once(' ')?;
    let (udp, rest) = rest.split_once(" [")?;
    let (other, marks) = rest.split_once("]ha-2  ")?;
    Some(Row {
        second: second.trim().parse().ok()?,
        nodes: [first.trim().to_owned(), other.trim().to_owned()],
        lines: [state(serial, "serial")?, state(udp, "udp")?],
        marks: marks.chars().map(|mark| mark == '|').collect(),
    })
}

fn state(text: &str, name: &str) -> Option<Line> {
    let (before, after) = text.split_once(name)?;
    match (before, after) {
        ("==", "==") => Some(Line::Up),
        ("xx", "xx") => Some(Line::Dead),
        ("..", "..") => Some(Line::Unknown),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::picture) const DEMO: &str = "\
hbd demo: two daemons on this machine, in /tmp/hbd-demo.1
joined by a null-modem.

Power loss: somebody pulls the plug of ha-1
    4.903 s  client: ha-1 does not answer any more
   4 s  ha-1[  off   ] ..serial.. ..udp.. [  idle  ]ha-2  ||xx
    5.876 s  client: ha-2 answers, after 0.994 s without
   5 s  ha-1[  off   ] xxserialxx ==udp== [  HELD  ]ha-2  xx||

Measured: from the last good answer to the next           client without answer
  power loss                                              0.994 s
";

    #[test]
    fn a_chapter_has_its_seconds_and_what_the_client_said() {
        let story = read(DEMO);
        assert_eq!(story.len(), 1);
        assert_eq!(story[0].caption, "Power loss: somebody pulls the plug of ha-1");
        assert_eq!(story[0].remarks, ["ha-2 answers, after 0.994 s without"]);
        let row = &story[0].rows[1];
        assert_eq!((row.second, row.nodes[1].as_str(), row.lines), (5, "HELD", [Line::Dead, Line::Up]));
        assert_eq!(row.marks, [false, false, true, true]);
    }

    #[test]
    fn a_line_that_is_no_row_is_none() {
        for line in
            ["", "    4.903 s  client: ha-1 answers", "   4 s  ha-1[ off ] ==serial.. ==udp== [idle]ha-2  ||"]
        {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
