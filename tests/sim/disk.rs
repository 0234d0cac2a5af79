//! The data of one group on one machine: a set of files, what was moved aside, and the stamp. Files are numbered as they
//! are written, and never written twice.

use hb_core::Instant;
use hb_core::Stamp;

/// Files that a run can hold.
pub const FILES: usize = 512;

/// A set of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Files([u64; FILES / 64]);

impl Files {
    /// Put one in.
    pub fn put(&mut self, file: usize) {
        self.0[file / 64] |= 1 << (file % 64);
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let mut left = *self;
        left.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        left
    }

    /// Those of either.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut all = *self;
        all.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        all
    }

    /// Every other one of them: what a pull that was cut short had come to.
    #[must_use]
    pub fn half(&self) -> Self {
        let mut half = *self;
        half.0.iter_mut().for_each(|word| *word &= 0x5555_5555_5555_5555);
        half
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// The copy of one group's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disk {
    /// What the service sees.
    pub files: Files,
    /// Moved into a dated folder beside it.
    pub aside: Files,
    /// The stamp file.
    pub stamp: Stamp,
    /// When the last whole pull began, in true time.
    pub pulled: Option<Instant>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { files: Files::default(), aside: Files::default(), stamp: Stamp::NONE, pulled: None }
    }
}

impl Disk {
    /// Everything on this disk.
    #[must_use]
    pub fn all(&self) -> Files {
        self.files.and(&self.aside)
    }

    /// Take over `source` as far as `part` of the differences goes; gives how many files were moved aside, and those
    /// that were destroyed.
    pub fn mirror(&mut self, source: &Files, keep: bool, part: fn(&Files) -> Files) -> (u32, Files) {
        let (come, go) = (part(&source.less(&self.files)), part(&self.files.less(source)));
        self.files = self.files.less(&go).and(&come);
        if keep {
            self.aside = self.aside.and(&go);
            (go.count(), Files::default())
        } else {
            (0, go)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_moves_aside_or_destroys_what_the_source_has_not() {
        let set = |files: &[usize]| {
            let mut set = Files::default();
            files.iter().for_each(|file| set.put(*file));
            set
        };
        let source = set(&[1, 2, 3]);
        let mut disk = Disk { files: set(&[3, 4, 5]), ..Disk::default() };
        assert_eq!(disk.clone().mirror(&source, true, |all| *all), (2, Files::default()));
        let (moved, lost) = disk.mirror(&source, false, |all| *all);
        assert_eq!((moved, lost, disk.files), (0, set(&[4, 5]), source));
        let mut cut = Disk { files: set(&[4, 5]), ..Disk::default() };
        let (_, lost) = cut.mirror(&source, true, Files::half);
        assert_eq!((lost, cut.all()), (Files::default(), set(&[2, 4, 5])));
    }
}
