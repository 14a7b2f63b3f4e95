//! The top-level modules of the standard library, by minor version of Python 3, so that no Python
//! need be started to tell `import json` from `import requests`. Knows only the table.
//!
//! The names are those of `sys.stdlib_module_names` on all platforms, and `test` and `__main__`.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::python::PythonVersion;

const OLDEST: u8 = 8;
const NEWEST: u8 = 15;

/// Whether the top-level module `name` is part of the standard library of `python`.
///
/// Versions older or newer than those in the table read as the oldest or newest in it.
pub fn is_stdlib(name: &str, python: PythonVersion) -> bool {
    let minor = if python.major < 3 { OLDEST } else { python.minor.clamp(OLDEST, NEWEST) };
    TABLE.get(name).is_some_and(|(first, last)| (*first..=*last).contains(&minor))
}

/// Whether `name` is part of the standard library of every version in the table.
pub fn is_always_stdlib(name: &str) -> bool {
    TABLE.get(name).is_some_and(|versions| *versions == (OLDEST, NEWEST))
}

/// All of them, sorted.
pub fn stdlib_names(python: PythonVersion) -> Vec<&'static str> {
    let mut names: Vec<&str> =
        TABLE.keys().copied().filter(|name| is_stdlib(name, python)).collect();
    names.sort_unstable();
    names
}

static TABLE: LazyLock<FxHashMap<&str, (u8, u8)>> = LazyLock::new(|| {
    let always = ALWAYS.split_ascii_whitespace().map(|name| (name, (OLDEST, NEWEST)));
    always.chain(SOMETIMES.iter().map(|(name, first, last)| (*name, (*first, *last)))).collect()
});

/// In every version.
const ALWAYS: &str = "\
    __future__ __main__ _abc _ast _asyncio _bisect _blake2 _bz2 _codecs _codecs_cn _codecs_hk \
    _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _compat_pickle \
    _contextvars _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree \
    _frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _imp _io _json \
    _locale _lsprof _lzma _markupbase _md5 _multibytecodec _multiprocessing _opcode _operator \
    _osx_support _overlapped _pickle _posixshmem _posixsubprocess _py_abc _pydecimal _pyio _queue \
    _random _scproxy _sha1 _sha3 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat \
    _statistics _string _strptime _struct _symtable _thread _threading_local _tkinter _tracemalloc \
    _uuid _warnings _weakref _weakrefset _winapi abc antigravity argparse array ast asyncio atexit \
    base64 bdb binascii bisect builtins bz2 cProfile calendar cmath cmd code codecs codeop \
    collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg \
    csv ctypes curses dataclasses datetime dbm decimal difflib dis doctest email encodings \
    ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools \
    gc genericpath getopt getpass gettext glob grp gzip hashlib heapq hmac html http idlelib \
    imaplib importlib inspect io ipaddress itertools json keyword linecache locale logging lzma \
    mailbox marshal math mimetypes mmap modulefinder msvcrt multiprocessing netrc nt ntpath \
    nturl2path numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform \
    plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc \
    pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched \
    secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 \
    ssl stat statistics string stringprep struct subprocess symtable sys sysconfig syslog tabnanny \
    tarfile tempfile termios test textwrap this threading time timeit tkinter token tokenize trace \
    traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uuid venv \
    warnings wave weakref webbrowser winreg winsound wsgiref xml xmlrpc zipapp zipfile zipimport \
    zlib";

/// From one minor version to another, both included.
const SOMETIMES: &[(&str, u8, u8)] = &[
    ("_aix_support", 9, 15),
    ("_android_support", 13, 15),
    ("_apple_support", 13, 15),
    ("_ast_unparse", 14, 15),
    ("_bootlocale", 8, 9),
    ("_bootsubprocess", 9, 11),
    ("_colorize", 13, 15),
    ("_compression", 8, 13),
    ("_crypt", 8, 12),
    ("_dummy_thread", 8, 8),
    ("_hmac", 14, 15),
    ("_interpchannels", 13, 15),
    ("_interpqueues", 13, 15),
    ("_interpreters", 13, 15),
    ("_ios_support", 13, 15),
    ("_math_integer", 15, 15),
    ("_msi", 8, 12),
    ("_opcode_metadata", 13, 15),
    ("_peg_parser", 9, 9),
    ("_py_warnings", 14, 15),
    ("_pydatetime", 12, 15),
    ("_pylong", 12, 15),
    ("_pyrepl", 13, 15),
    ("_remote_debugging", 14, 15),
    ("_sha2", 12, 15),
    ("_sha256", 8, 11),
    ("_sha512", 8, 11),
    ("_suggestions", 13, 15),
    ("_sysconfig", 13, 15),
    ("_tokenize", 11, 15),
    ("_types", 14, 15),
    ("_typing", 11, 15),
    ("_wmi", 12, 15),
    ("_xxinterpchannels", 12, 12),
    ("_xxsubinterpreters", 8, 12),
    ("_zoneinfo", 9, 15),
    ("_zstd", 14, 15),
    ("aifc", 8, 12),
    ("annotationlib", 14, 15),
    ("asynchat", 8, 11),
    ("asyncore", 8, 11),
    ("audioop", 8, 12),
    ("binhex", 8, 10),
    ("cgi", 8, 12),
    ("cgitb", 8, 12),
    ("chunk", 8, 12),
    ("compression", 14, 15),
    ("crypt", 8, 12),
    ("distutils", 8, 11),
    ("dummy_threading", 8, 8),
    ("formatter", 8, 9),
    ("graphlib", 9, 15),
    ("imghdr", 8, 12),
    ("imp", 8, 11),
    ("lib2to3", 8, 12),
    ("mailcap", 8, 12),
    ("msilib", 8, 12),
    ("nis", 8, 12),
    ("nntplib", 8, 12),
    ("ossaudiodev", 8, 12),
    ("parser", 8, 9),
    ("pipes", 8, 12),
    ("profiling", 15, 15),
    ("smtpd", 8, 11),
    ("sndhdr", 8, 12),
    ("spwd", 8, 12),
    ("sre_compile", 8, 14),
    ("sre_constants", 8, 14),
    ("sre_parse", 8, 14),
    ("sunau", 8, 12),
    ("symbol", 8, 9),
    ("telnetlib", 8, 12),
    ("tomllib", 11, 15),
    ("uu", 8, 12),
    ("xdrlib", 8, 12),
    ("zoneinfo", 9, 15),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, minors: impl IntoIterator<Item = u8>) {
        let minors: Vec<u8> = minors.into_iter().collect();
        for minor in OLDEST..=NEWEST {
            let python = PythonVersion { major: 3, minor };
            assert_eq!(is_stdlib(name, python), minors.contains(&minor), "{name} {python}");
        }
    }

    #[test]
    fn modules_come_and_go_with_the_version() {
        check("json", 8..=15);
        check("tomllib", 11..=15);
        check("zoneinfo", 9..=15);
        check("distutils", 8..=11);
        check("imp", 8..=11);
        check("telnetlib", 8..=12);
        check("annotationlib", 14..=15);
        check("requests", []);
        check("xml.etree", []);
    }

    #[test]
    fn no_name_stands_twice_in_the_table() {
        assert_eq!(TABLE.len(), ALWAYS.split_ascii_whitespace().count() + SOMETIMES.len());
    }

    #[test]
    fn versions_outside_of_the_table_read_as_its_ends() {
        assert!(is_stdlib("annotationlib", PythonVersion { major: 3, minor: 99 }));
        assert!(is_stdlib("imp", PythonVersion { major: 3, minor: 6 }));
        assert!(stdlib_names(PythonVersion { major: 3, minor: 12 }).contains(&"asyncio"));
    }
}
