//! Reads a whole open file with as few questions as it takes, into one buffer or piece by piece. Does
//! not know where the file is.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, read as read_some};

use super::stat_of;
use crate::stat::Stat;

/// What is asked for at a time at least: more than nearly all source files hold, so that the buffer
/// hardly ever grows.
const ROOM: usize = 256 * 1024;

/// Reads to the end, in place of what `buffer` held; what the file was after that.
///
/// The end is where a read yields nothing, or where as much was read as the file holds by its stat:
/// mostly one read and one stat.
pub(super) fn read(file: &OwnedFd, buffer: &mut Vec<u8>) -> io::Result<Stat> {
    buffer.clear();
    loop {
        buffer.reserve(ROOM);
        let count = match read_some(file, spare_capacity(buffer)) {
            Ok(count) => count,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if count == 0 || buffer.len() < buffer.capacity() {
            let stat = stat_of(&rustix::fs::fstat(file)?);
            if count == 0 || stat.size == buffer.len() as u64 {
                return Ok(stat);
            }
        }
    }
}

/// Hands the bytes of a file over piece by piece.
pub(super) fn read_chunks(file: &File, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    thread_local! {
        // Fresh pages for each file would cost about a tenth of what copying it costs.
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    // Whoever reads a file within `sink` finds an empty one, and makes another.
    let mut buffer = BUFFER.take();
    buffer.resize(ROOM, 0);
    let mut file = file;
    let result = loop {
        match file.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => sink(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    BUFFER.set(buffer);
    result
}
