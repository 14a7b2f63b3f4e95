//! A folder of the project as an opendal service, through the system's door. Everything is done when
//! it is asked for, so its futures are ready at once. Does not know what is kept in it.

use std::io;
use std::sync::Arc;

use opendal::raw::*;
use opendal::*;
use qik_model::{FileKind, RelPath};
use qik_system::{StatKind, System};

/// Settings and service in one: there is nothing to set but where it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectFolder {
    system: Option<Arc<dyn System>>,
    folder: RelPath,
}

impl ProjectFolder {
    pub(crate) fn at(system: Arc<dyn System>, folder: RelPath) -> Self {
        Self { system: Some(system), folder }
    }
}

impl Builder for ProjectFolder {
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let Some(system) = self.system else {
            return Err(Error::new(ErrorKind::ConfigInvalid, "there is no system"));
        };
        Ok(Folder { system, folder: self.folder })
    }
}

#[derive(Clone, Debug)]
struct Folder {
    system: Arc<dyn System>,
    folder: RelPath,
}

impl Folder {
    fn path(&self, key: &str) -> Result<RelPath> {
        let key = key.trim_matches('/');
        let path = RelPath::new(key).filter(|clean| clean.as_bytes() == key.as_bytes());
        let path = path.ok_or_else(|| Error::new(ErrorKind::NotFound, "not a key"))?;
        Ok(self.folder.join(path.as_bytes()))
    }

    fn read_whole(&self, key: &str) -> Result<Vec<u8>> {
        self.system.read(&self.path(key)?).map_err(error)
    }
}

impl Service for Folder {
    type Reader = oio::StreamReader<Reading>;
    type Writer = Writing;
    type Lister = oio::HierarchyLister<Listing>;
    type Deleter = oio::OneShotDeleter<Folder>;
    type Copier = ();
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        ServiceInfo::new("project", self.folder.to_string(), "")
    }

    fn capability(&self) -> Capability {
        Capability {
            read: true,
            stat: true,
            write: true,
            write_can_empty: true,
            delete: true,
            list: true,
            list_with_recursive: true,
            rename: true,
            shared: true,
            ..Default::default()
        }
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        path: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        self.system.create_dir_all(&self.path(path)?).map_err(error)?;
        Ok(RpCreateDir::default())
    }

    async fn stat(&self, _: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        let stat = self.system.stat(&self.path(path)?).map_err(error)?;
        let meta = match stat.kind {
            StatKind::File | StatKind::Executable => MetadataBuilder::file(stat.size),
            StatKind::Folder => MetadataBuilder::dir(),
            StatKind::Link | StatKind::Other => MetadataBuilder::unknown(),
        };
        Ok(RpStat::new(meta.build()))
    }

    fn read(&self, _: &OperationContext, path: &str, _: OpRead) -> Result<Self::Reader> {
        Ok(oio::StreamReader::new(Reading { folder: self.clone(), key: path.to_owned() }))
    }

    fn write(&self, _: &OperationContext, path: &str, _: OpWrite) -> Result<Self::Writer> {
        let path = self.path(path)?;
        Ok(Writing { system: self.system.clone(), path, bytes: Vec::new() })
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Ok(oio::OneShotDeleter::new(self.clone()))
    }

    fn list(&self, _: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        let mut keys = Vec::new();
        gather(&*self.system, &self.path(path)?, path.trim_start_matches('/'), &mut keys)?;
        let listing = Listing(keys.into_iter());
        Ok(oio::HierarchyLister::new(listing, path, args.recursive()))
    }

    fn copy(&self, _: &OperationContext, _: &str, _: &str, _: OpCopy) -> Result<Self::Copier> {
        Err(unsupported())
    }

    async fn rename(
        &self,
        _: &OperationContext,
        from: &str,
        to: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        self.system.rename(&self.path(from)?, &self.path(to)?).map_err(error)?;
        Ok(RpRename::default())
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(unsupported())
    }
}

impl oio::OneShotDelete for Folder {
    async fn delete_once(&self, path: String, _: OpDelete) -> Result<()> {
        match self.system.remove_file(&self.path(&path)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(error),
        }
    }
}

struct Reading {
    folder: Folder,
    key: String,
}

impl oio::StreamRead for Reading {
    async fn open(&self, range: BytesRange) -> Result<(RpRead, Box<dyn oio::ReadStreamDyn>)> {
        let whole = Buffer::from(self.folder.read_whole(&self.key)?);
        let size = whole.len();
        let part = whole.slice(range.to_content_range(size)?);
        Ok((RpRead::new(MetadataBuilder::file(size as u64).build()), Box::new(part)))
    }
}

struct Writing {
    system: Arc<dyn System>,
    path: RelPath,
    bytes: Vec<u8>,
}

impl oio::Write for Writing {
    async fn write(&mut self, bytes: Buffer) -> Result<()> {
        self.bytes.extend(bytes.to_bytes());
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        let size = self.bytes.len() as u64;
        self.system.write_atomic(&self.path, &self.bytes, FileKind::File).map_err(error)?;
        Ok(MetadataBuilder::file(size).build())
    }

    async fn abort(&mut self) -> Result<()> {
        self.bytes.clear();
        Ok(())
    }
}

struct Listing(std::vec::IntoIter<(String, u64)>);

impl oio::List for Listing {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        Ok(self
            .0
            .next()
            .map(|(key, size)| oio::Entry::new(&key, MetadataBuilder::file(size).build())))
    }
}

/// Every file below `folder`, as keys that begin with `prefix`.
fn gather(
    system: &dyn System,
    folder: &RelPath,
    prefix: &str,
    keys: &mut Vec<(String, u64)>,
) -> Result<()> {
    let items = match system.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.map_err(error)?,
    };
    for item in items {
        let Ok(name) = std::str::from_utf8(&item.name) else { continue };
        match item.stat.kind {
            StatKind::Folder => {
                gather(system, &folder.join(&item.name), &format!("{prefix}{name}/"), keys)?;
            }
            _ => keys.push((format!("{prefix}{name}"), item.stat.size)),
        }
    }
    Ok(())
}

fn error(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, "the folder could not be used").set_source(error)
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "a project folder cannot do that")
}
