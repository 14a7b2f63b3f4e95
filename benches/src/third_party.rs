//! Distributions that generated files import, and an environment in which they are installed as far as
//! a tool can tell that reads metadata: no Python, and no code in them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// A distribution with its version, and what an import calls it.
const DISTRIBUTIONS: [(&str, &str, &str); 24] = [
    ("aiohttp", "3.14.5", "aiohttp"),
    ("attrs", "26.1.0", "attr"),
    ("boto3", "1.44.5", "boto3"),
    ("celery", "5.7.0", "celery"),
    ("click", "8.4.1", "click"),
    ("cryptography", "49.0.1", "cryptography"),
    ("Django", "6.1.3", "django"),
    ("Flask", "3.3.0", "flask"),
    ("httpx", "0.29.1", "httpx"),
    ("Jinja2", "3.2.0", "jinja2"),
    ("numpy", "2.5.5", "numpy"),
    ("pandas", "3.1.1", "pandas"),
    ("pillow", "13.1.0", "PIL"),
    ("protobuf", "7.35.0", "google.protobuf"),
    ("psycopg2-binary", "2.9.13", "psycopg2"),
    ("pydantic", "2.14.0", "pydantic"),
    ("python-dateutil", "2.9.0", "dateutil"),
    ("PyYAML", "6.1.0", "yaml"),
    ("redis", "8.1.0", "redis"),
    ("requests", "2.34.0", "requests"),
    ("scikit-learn", "1.9.1", "sklearn"),
    ("SQLAlchemy", "2.1.9", "sqlalchemy"),
    ("structlog", "26.2.0", "structlog"),
    ("tenacity", "9.3.0", "tenacity"),
];

/// What imports of distributions are called.
pub fn import_names() -> impl Iterator<Item = &'static str> {
    DISTRIBUTIONS.iter().map(|(_, _, import)| *import)
}

/// The requirements file that pins them all.
pub fn requirements() -> String {
    DISTRIBUTIONS.iter().fold(String::new(), |mut text, (name, version, _)| {
        let _ = writeln!(text, "{name}=={version}");
        text
    })
}

/// Writes an environment for Python 3.13 that holds them.
///
/// # Errors
/// If a file cannot be written.
pub fn write_venv(venv: &Path) -> io::Result<()> {
    let site = venv.join("lib/python3.13/site-packages");
    fs::create_dir_all(&site)?;
    fs::write(venv.join("pyvenv.cfg"), "home = /usr/bin\nversion = 3.13.9\n")?;
    for (name, version, import) in DISTRIBUTIONS {
        let package = import.replace('.', "/");
        fs::create_dir_all(site.join(&package))?;
        fs::write(site.join(&package).join("__init__.py"), "")?;
        let info = format!("{}-{version}.dist-info", name.replace('-', "_"));
        fs::create_dir(site.join(&info))?;
        let metadata = format!("Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n");
        fs::write(site.join(&info).join("METADATA"), metadata)?;
        let record = format!(
            "{package}/__init__.py,,\n{info}/METADATA,,\n{info}/INSTALLER,,\n{info}/RECORD,,\n"
        );
        fs::write(site.join(&info).join("INSTALLER"), "pip\n")?;
        fs::write(site.join(&info).join("RECORD"), record)?;
    }
    Ok(())
}
