//! The identity of a file's bytes without holding them all: for files too large for that. Does not
//! know which conversions git really applies.

use std::io;

use bstr::ByteSlice;
use qik_model::{BlobId, RelPath};
use sha1::{Digest, Sha1};

use crate::System;

/// Whether `id` identifies the bytes of the file at `path`, also where git converts their ends of
/// line, as [`crate::is_content_of`] says it of bytes at hand.
///
/// # Errors
/// Where the file cannot be read.
pub fn is_content_of_file(system: &dyn System, path: &RelPath, id: &BlobId) -> io::Result<bool> {
    let size = system.stat(path)?.size;
    let mut plain = header(size);
    let (mut read, mut pairs, mut last) = (0, 0, 0);
    system.read_chunks(path, &mut |chunk| {
        plain.update(chunk);
        read += chunk.len() as u64;
        let joins = last == b'\r' && chunk.first() == Some(&b'\n');
        pairs += u64::from(joins) + chunk.find_iter(b"\r\n").count() as u64;
        last = chunk.last().copied().unwrap_or(last);
    })?;
    if read != size || plain.finalize()[..] == id.0 {
        // One that grew or shrank meanwhile is nobody's.
        return Ok(read == size);
    }
    Ok(pairs > 0 && converted(system, path, size - pairs)? == id.0)
}

/// The digest with `\r\n` as `\n`.
fn converted(system: &dyn System, path: &RelPath, size: u64) -> io::Result<[u8; 20]> {
    let mut hasher = header(size);
    let mut held = false;
    system.read_chunks(path, &mut |chunk| {
        let mut rest = chunk;
        if std::mem::take(&mut held) && rest.first() != Some(&b'\n') {
            hasher.update(b"\r");
        }
        while let Some(at) = rest.iter().position(|byte| *byte == b'\r') {
            hasher.update(&rest[..at]);
            match rest.get(at + 1) {
                Some(b'\n') => {}
                Some(_) => hasher.update(b"\r"),
                None => held = true,
            }
            rest = &rest[at + 1..];
        }
        hasher.update(rest);
    })?;
    if held {
        hasher.update(b"\r");
    }
    Ok(hasher.finalize().into())
}

fn header(size: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("blob {size}\0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemorySystem, OsSystem, blob_id};

    #[test]
    fn a_file_is_known_by_its_bytes_or_by_what_git_makes_of_them() {
        let temp = tempfile::tempdir().unwrap();
        let real = OsSystem::new(temp.path());
        let path = RelPath::from("file");
        // Ends of line lie across the borders of what is read at once.
        let long = "x".repeat(256 * 1024 - 1) + "\r\n\r\r\n" + &"y\r\n".repeat(200_000) + "\r";
        for text in ["", "plain", "a\r\nb\r\n", "\r", "\r\r\n", long.as_str()] {
            std::fs::write(temp.path().join("file"), text).unwrap();
            let memory = MemorySystem::new().with_file("file", text);
            for system in [&real as &dyn System, &memory] {
                for same in [text.to_string(), text.replace("\r\n", "\n")] {
                    let id = blob_id(same.as_bytes());
                    assert!(is_content_of_file(system, &path, &id).unwrap(), "{:.20}", same);
                }
                let other = blob_id(b"other");
                assert!(!is_content_of_file(system, &path, &other).unwrap());
            }
        }
    }
}
