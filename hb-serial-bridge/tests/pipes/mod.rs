//! In-memory ports. They fail the test when they are read or written while they are not ready.

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// What the test sees of a port.
#[derive(Default)]
pub(crate) struct Line {
    /// Bytes that the port will give.
    pub(crate) incoming: VecDeque<u8>,
    /// Bytes that the port took.
    pub(crate) outgoing: Vec<u8>,
    /// Bytes that the port takes before it is not ready any more.
    pub(crate) room: usize,
    /// Bytes that one write takes at most.
    pub(crate) piece: usize,
    /// The next reads fail.
    pub(crate) read_faults: usize,
    /// The next writes fail, after they have taken their bytes.
    pub(crate) write_faults: usize,
}

/// A port over a [`Line`]; clones are the same port.
#[derive(Clone)]
pub(crate) struct Pipe(Rc<RefCell<Line>>);

impl Pipe {
    /// A port that is always ready.
    pub(crate) fn new() -> Self {
        let line = Line { room: usize::MAX, piece: usize::MAX, ..Line::default() };
        Self(Rc::new(RefCell::new(line)))
    }

    pub(crate) fn line(&self) -> std::cell::RefMut<'_, Line> {
        self.0.borrow_mut()
    }

    pub(crate) fn feed(&self, bytes: &[u8]) {
        self.line().incoming.extend(bytes);
    }

    /// What the port took since the last call.
    pub(crate) fn sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.line().outgoing)
    }
}

impl ErrorType for Pipe {
    type Error = ErrorKind;
}

impl ReadReady for Pipe {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.line().incoming.is_empty())
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut line = self.line();
        assert!(!buf.is_empty() && !line.incoming.is_empty(), "this read would block");
        if line.read_faults > 0 {
            line.read_faults -= 1;
            // As after an overrun: a byte is gone.
            line.incoming.pop_front();
            return Err(ErrorKind::Other);
        }
        let n = buf.len().min(line.incoming.len());
        for (to, from) in buf.iter_mut().zip(line.incoming.drain(..n)) {
            *to = from;
        }
        Ok(n)
    }
}

impl WriteReady for Pipe {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.line().room > 0)
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mut line = self.line();
        assert!(!buf.is_empty() && line.room > 0, "this write would block");
        let n = buf.len().min(line.room).min(line.piece);
        line.room -= if line.room == usize::MAX { 0 } else { n };
        line.outgoing.extend(&buf[..n]);
        if line.write_faults > 0 {
            line.write_faults -= 1;
            return Err(ErrorKind::Other);
        }
        Ok(n)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        panic!("a flush may block");
    }
}
