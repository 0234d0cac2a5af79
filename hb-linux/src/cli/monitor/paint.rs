//! From one screen to the next with as few bytes as it takes: a serial console of 9600 baud carries 960 a second.

use core::fmt::Write as _;

/// Rows of a screen.
pub(super) const ROWS: usize = 24;
/// Columns that are used: writing into the last one would scroll some terminals.
pub(super) const COLUMNS: usize = 79;
/// Bytes that one second may carry.
pub(super) const BUDGET: usize = 900;

/// What the terminal shows.
#[derive(Debug)]
pub(super) struct Painter {
    rows: Vec<String>,
    /// Where to go on: what found no room comes first.
    next: usize,
    cleared: bool,
}

impl Painter {
    /// Nothing is known of the terminal.
    pub(super) fn new() -> Self {
        Self { rows: Vec::from([const { String::new() }; ROWS]), next: 0, cleared: false }
    }

    /// Begin anew: the terminal shows something else.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// The bytes that bring the terminal nearer to `want` (printable ASCII), at most [`BUDGET`] of them.
    pub(super) fn paint(&mut self, want: &[String]) -> String {
        let mut out = String::new();
        if !self.cleared {
            self.cleared = true;
            out.push_str("\x1b[?25l\x1b[0m\x1b[2J");
        }
        let from = self.next;
        for row in (from..ROWS).chain(0..from) {
            let new = want.get(row).map_or("", String::as_str);
            let Some(old) = self.rows.get_mut(row) else { continue };
            let Some(piece) = change(row, old, new) else { continue };
            if out.len() + piece.len() > BUDGET {
                self.next = row;
                return out;
            }
            out.push_str(&piece);
            new.clone_into(old);
        }
        self.next = 0;
        out
    }
}

/// What turns the row from `old` into `new`; `None` where it is the same.
fn change(row: usize, old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    // What lies beyond the end is blank.
    let width = old.len().max(new.len());
    let at = |text: &str, column: usize| text.as_bytes().get(column).copied().unwrap_or(b' ');
    let differs = |column: &usize| at(old, *column) != at(new, *column);
    let Some(first) = (0..width).find(differs) else { return Some(String::new()) };
    let last = (first..width).rev().find(differs).unwrap_or(first);
    let mut out = String::new();
    let _ = write!(out, "\x1b[{};{}H", row + 1, first + 1);
    let end = (last + 1).min(new.len());
    out.push_str(new.get(first..end).unwrap_or_default());
    if last >= new.len() {
        out.push_str("\x1b[K");
    }
    Some(out)
}

/// The bytes at the end: the cursor is seen again, below what was shown.
pub(super) const FAREWELL: &str = "\x1b[24;1H\x1b[?25h\r\n";

#[cfg(test)]
pub(in crate::cli) mod tests {
    use super::*;

    /// A terminal that knows what is sent to it, and no more.
    pub(in crate::cli) struct Terminal {
        pub(in crate::cli) cells: [[u8; 80]; ROWS],
        row: usize,
        column: usize,
    }

    impl Terminal {
        pub(in crate::cli) fn new() -> Self {
            Self { cells: [[b'#'; 80]; ROWS], row: 0, column: 0 }
        }

        pub(in crate::cli) fn line(&self, row: usize) -> String {
            String::from_utf8(self.cells[row].to_vec()).unwrap().trim_end().to_owned()
        }

        pub(in crate::cli) fn take(&mut self, bytes: &str) {
            let mut rest = bytes;
            while let Some(byte) = rest.bytes().next() {
                if let Some(sequence) = rest.strip_prefix("\x1b[") {
                    let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    let numbers = &sequence[..end];
                    match &sequence[end..=end] {
                        "H" => {
                            let (row, column) = numbers.split_once(';').unwrap();
                            self.row = row.parse::<usize>().unwrap() - 1;
                            self.column = column.parse::<usize>().unwrap() - 1;
                        }
                        "J" => self.cells = [[b' '; 80]; ROWS],
                        "K" => self.cells[self.row][self.column..].fill(b' '),
                        "l" | "h" | "m" => {}
                        other => panic!("{other}"),
                    }
                    rest = &sequence[end + 1..];
                    continue;
                }
                match byte {
                    b'\r' => self.column = 0,
                    b'\n' => {}
                    _ => {
                        assert!(self.column < COLUMNS, "it would scroll: {rest:?}");
                        self.cells[self.row][self.column] = byte;
                        self.column += 1;
                    }
                }
                rest = &rest[1..];
            }
        }
    }

    #[test]
    fn any_screen_follows_any_other_within_the_budget_of_each_second() {
        let (mut painter, mut terminal) = (Painter::new(), Terminal::new());
        let mut number = 1_u32;
        let mut random = |below: u32| {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (number >> 8) % below
        };
        for _ in 0..200 {
            let screen: Vec<String> = (0..ROWS)
                .map(|_| (0..random(80)).map(|_| b" ab"[random(3) as usize] as char).collect())
                .collect();
            // A screen that is all new takes three seconds.
            for second in 0.. {
                let bytes = painter.paint(&screen);
                assert!(bytes.len() <= BUDGET, "{}", bytes.len());
                terminal.take(&bytes);
                if bytes.is_empty() {
                    assert!(second <= 4, "{second}");
                    break;
                }
            }
            for (row, want) in screen.iter().enumerate() {
                assert_eq!(terminal.line(row), want.trim_end());
            }
            assert_eq!(painter.paint(&screen), "", "what is there already costs nothing");
        }
    }
}
