//! Reads a whole open file with as few questions as it takes. Does not know where the file is.

use std::io;
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
