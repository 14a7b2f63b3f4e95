//! Eyes for what lies outside of the project. The database hears of everything that is looked at.

use std::io;
use std::path::{Path, PathBuf};

use qik_db::{Db, OutsideItem, OutsideStamp};

use crate::dist::Look;

/// See the module.
pub(crate) struct TrackedLook<'db>(pub &'db dyn Db);

impl Look for TrackedLook<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.stamp(path)?;
        self.0.system().outside().read(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
        self.stamp(folder)?;
        self.0.system().outside().list(folder)
    }

    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
        let state = self.0.outside_file(path).state(self.0);
        (*state).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.stamp(path)?;
        self.0.system().outside().canonical(path)
    }
}
