//! The bytes of [`FileFacts`](super::FileFacts): written once, checked once, read in place.
//!
//! ```text
//! version u8 · checksum of what follows u32 · length from here up to the places u32
//! whole package u8 · error: none 0, else 1 and its message
//! imports · plugins · dotted strings, each a count and the entries
//! places: of the imports (line as a step, column), plugins, dotted strings, whole package, error
//! ```
//! Numbers are LEB128. An import is a flag byte, a module unless it is that of the import before,
//! and a name where it has one.

use super::draft::{Draft, DraftImport, DraftName, Places};
use super::facts::{FACTS_VERSION, Import, ImportKind, Imported, Line, SyntaxError};

const TYPE_CHECKING: u8 = 1;
const DYNAMIC: u8 = 1 << 1;
const STAR: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const SAME_MODULE: u8 = 1 << 4;
const CONDITIONAL: u8 = 1 << 5;
const LEVEL_SHIFT: u8 = 6;
/// A level that does not fit two bits follows the flags.
const DEEP: u8 = 3;
const HEADER: usize = 9;
/// Where what the checksum covers starts.
const SUMMED: usize = 5;

/// One of the two lists of strings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Plugins,
    Dotted,
}

/// Packs a draft whose entries are sorted by place.
pub(super) fn write(draft: &Draft<'_>, source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 8 + draft.imports.len() * 16);
    out.push(FACTS_VERSION);
    out.resize(HEADER, 0);
    out.push(u8::from(draft.whole_package.is_some()));
    out.push(u8::from(draft.error.is_some()));
    if let Some(error) = &draft.error {
        string(&mut out, error.message.as_bytes());
    }
    number(&mut out, draft.imports.len());
    let mut before = None;
    for import in &draft.imports {
        write_import(&mut out, import, before);
        before = Some(import);
    }
    for list in [&draft.plugins, &draft.dotted] {
        number(&mut out, list.len());
        list.iter().for_each(|(_, text)| string(&mut out, text));
    }
    let length = u32::try_from(out.len() - HEADER).unwrap_or(u32::MAX);
    out[SUMMED..HEADER].copy_from_slice(&length.to_le_bytes());
    write_places(&mut out, draft, source);
    let sum = checksum(&out[SUMMED..]);
    out[1..SUMMED].copy_from_slice(&sum.to_le_bytes());
    out
}

fn write_import(out: &mut Vec<u8>, import: &DraftImport<'_>, before: Option<&DraftImport<'_>>) {
    let same = before.is_some_and(|before| before.module == import.module);
    let mut flags = import.level.min(DEEP) << LEVEL_SHIFT;
    flags |= if import.block.type_checking { TYPE_CHECKING } else { 0 };
    flags |= if import.block.conditional { CONDITIONAL } else { 0 };
    flags |= if import.kind == ImportKind::Dynamic { DYNAMIC } else { 0 };
    flags |= if same { SAME_MODULE } else { 0 };
    flags |= match import.name {
        DraftName::Module => 0,
        DraftName::Star => STAR,
        DraftName::Name(_) => NAME,
    };
    out.push(flags);
    if import.level >= DEEP {
        out.push(import.level);
    }
    if !same {
        string(out, &import.module);
    }
    if let DraftName::Name(name) = &import.name {
        string(out, name);
    }
}

fn write_places(out: &mut Vec<u8>, draft: &Draft<'_>, source: &[u8]) {
    let mut places = Places::new(source);
    let mut line = 1;
    for import in &draft.imports {
        let place = places.of(import.at);
        number(out, (place.0 - line) as usize);
        number(out, place.1 as usize);
        line = place.0;
    }
    for list in [&draft.plugins, &draft.dotted] {
        let mut places = Places::new(source);
        list.iter().for_each(|(at, _)| number(out, places.of(*at).0 as usize));
    }
    if let Some(at) = draft.whole_package {
        number(out, Places::new(source).of(at).0 as usize);
    }
    if let Some(error) = &draft.error {
        let place = Places::new(source).of(error.at);
        number(out, place.0 as usize);
        number(out, place.1 as usize);
    }
}

fn number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(_) => {
            number(out, bytes.len());
            out.extend_from_slice(bytes);
        }
        Err(_) => string(out, String::from_utf8_lossy(bytes).as_bytes()),
    }
}

/// Whether bytes are as [`write`] left them. That is enough: what reads them ends early where they
/// make no sense, and checking each entry would cost more than all the rest of loading.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let sum = bytes.get(1..SUMMED).and_then(|sum| sum.try_into().ok()).map(u32::from_le_bytes);
    bytes.len() > HEADER && bytes[0] == FACTS_VERSION && sum == Some(checksum(&bytes[SUMMED..]))
}

/// Each step is a bijection of what came before, so that one changed word never cancels out.
fn checksum(bytes: &[u8]) -> u32 {
    let mix = |sum: u64, word: u64| {
        let mixed = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    };
    let mut words = bytes.chunks_exact(8);
    let mut sum = bytes.len() as u64;
    for word in &mut words {
        sum = mix(sum, word.try_into().map_or(0, u64::from_le_bytes));
    }
    sum = words.remainder().iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    sum as u32
}

pub(super) fn imports(bytes: &[u8]) -> impl Iterator<Item = Import<'_>> {
    let mut reader = Reader::new(bytes);
    let head = Head::read(&mut reader).unwrap_or_default();
    let mut places = Reader { bytes, at: head.places };
    let mut line = 1;
    Names { reader, module: "", left: head.imports }.map_while(move |import| {
        line = places.number()?.checked_add(line)?;
        Some(Import { line, column: places.number()?, ..import })
    })
}

pub(super) fn strings(bytes: &[u8], list: List) -> impl Iterator<Item = (&str, Line)> {
    let at = || -> Option<(Reader<'_>, Reader<'_>, u32)> {
        let (mut reader, mut places) = lists(bytes)?;
        let mut count = reader.number()?;
        if list == List::Dotted {
            for _ in 0..count {
                reader.string()?;
                places.number()?;
            }
            count = reader.number()?;
        }
        Some((reader, places, count))
    };
    let (mut reader, mut places, count) = at().unwrap_or((Reader::new(&[]), Reader::new(&[]), 0));
    (0..count).map_while(move |_| Some((reader.string()?, places.number()?)))
}

pub(super) fn whole_package(bytes: &[u8]) -> Option<Line> {
    tail(bytes, |head| head.whole_package)?.number()
}

pub(super) fn error(bytes: &[u8]) -> Option<SyntaxError<'_>> {
    let head = Head::read(&mut Reader::new(bytes))?;
    let message = head.error?;
    let mut places = tail(bytes, |_| true)?;
    if head.whole_package {
        places.number()?;
    }
    Some(SyntaxError { line: places.number()?, column: places.number()?, message })
}

pub(super) fn placeless(bytes: &[u8]) -> &[u8] {
    let end = Head::read(&mut Reader::new(bytes)).map_or(0, |head| head.places);
    &bytes[HEADER.min(end)..end]
}

/// Readers of the lists and of their places.
fn lists(bytes: &[u8]) -> Option<(Reader<'_>, Reader<'_>)> {
    let mut reader = Reader::new(bytes);
    let head = Head::read(&mut reader)?;
    let mut places = Reader { bytes, at: head.places };
    for _ in 0..head.imports {
        reader.skip_import()?;
        places.number()?;
        places.number()?;
    }
    Some((reader, places))
}

/// A reader of the places after those of the lists, where `wanted`.
fn tail(bytes: &[u8], wanted: impl Fn(&Head<'_>) -> bool) -> Option<Reader<'_>> {
    if !wanted(&Head::read(&mut Reader::new(bytes))?) {
        return None;
    }
    let (mut reader, mut places) = lists(bytes)?;
    for _ in 0..2 {
        for _ in 0..reader.number()? {
            reader.string()?;
            places.number()?;
        }
    }
    Some(places)
}

#[derive(Default)]
struct Head<'f> {
    places: usize,
    whole_package: bool,
    error: Option<&'f str>,
    imports: u32,
}

impl<'f> Head<'f> {
    fn read(reader: &mut Reader<'f>) -> Option<Self> {
        reader.take(SUMMED)?;
        let length = reader.take(4)?.try_into().map(u32::from_le_bytes).ok()?;
        let places = reader.at.checked_add(length as usize)?;
        if places > reader.bytes.len() {
            return None;
        }
        let whole_package = reader.flag()?;
        let error = if reader.flag()? { Some(reader.string()?) } else { None };
        Some(Self { places, whole_package, error, imports: reader.number()? })
    }
}

struct Names<'f> {
    reader: Reader<'f>,
    module: &'f str,
    left: u32,
}

impl<'f> Names<'f> {
    fn read(&mut self) -> Option<Import<'f>> {
        let reader = &mut self.reader;
        let flags = reader.byte()?;
        let mut level = flags >> LEVEL_SHIFT;
        if level == DEEP {
            level = reader.byte()?;
        }
        if flags & SAME_MODULE == 0 {
            self.module = reader.string()?;
        }
        let imported = match flags & (STAR | NAME) {
            0 => Imported::Module,
            STAR => Imported::Star,
            _ => Imported::Name(reader.string()?),
        };
        let kind = if flags & DYNAMIC == 0 { ImportKind::Static } else { ImportKind::Dynamic };
        Some(Import {
            level,
            module: self.module,
            imported,
            line: 0,
            column: 0,
            type_checking: flags & TYPE_CHECKING != 0,
            conditional: flags & CONDITIONAL != 0,
            kind,
        })
    }
}

impl<'f> Iterator for Names<'f> {
    type Item = Import<'f>;

    fn next(&mut self) -> Option<Import<'f>> {
        self.left = self.left.checked_sub(1)?;
        self.read()
    }
}

/// Reads numbers and strings; none at the end and where the bytes make no sense.
pub(super) struct Reader<'f> {
    bytes: &'f [u8],
    at: usize,
}

impl<'f> Reader<'f> {
    pub(super) fn new(bytes: &'f [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn take(&mut self, length: usize) -> Option<&'f [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u32::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    /// Goes past what [`Names::read`] reads.
    fn skip_import(&mut self) -> Option<()> {
        let flags = self.byte()?;
        if flags >> LEVEL_SHIFT == DEEP {
            self.byte()?;
        }
        let module = u8::from(flags & SAME_MODULE == 0);
        let name = u8::from(flags & NAME != 0);
        for _ in 0..module + name {
            let length = self.number()? as usize;
            self.take(length)?;
        }
        Some(())
    }

    fn string(&mut self) -> Option<&'f str> {
        let length = self.number()? as usize;
        std::str::from_utf8(self.take(length)?).ok()
    }
}
