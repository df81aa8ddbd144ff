//! Text files: opened, decompressed, decoded to UTF-8, cut at line ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use encoding_rs::{Decoder, Encoding, UTF_8};
use memchr::{memchr, memchr_iter};

use crate::IngestError;

/// The archive and the name within it of a path such as `export.zip/orders.csv`.
pub fn within_zip(path: &Path) -> Option<(&Path, String)> {
    if path.is_file() {
        return None;
    }
    let archive = path.ancestors().skip(1).find(|a| a.is_file())?;
    let entry = path.strip_prefix(archive).ok()?;
    Some((archive, entry.to_string_lossy().replace('\\', "/")))
}

/// Opens a file as it is. Pipes and devices are refused: they have no beginning to come back to, and may have no end.
pub fn open_plain(path: &Path) -> Result<File, IngestError> {
    let kind = std::fs::metadata(path).map_err(IngestError::read(path))?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(IngestError::config(
            "[input] files",
            format!("{} is {what}, not a file", path.display()),
            "save the export to a file",
        ));
    }
    File::open(path).map_err(IngestError::read(path))
}

/// How a file is packed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Zstd,
    Zip,
}

impl Packing {
    pub fn of(head: &[u8]) -> Packing {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
            [b'P', b'K', 3, 4, ..] => Packing::Zip,
            _ => Packing::None,
        }
    }
}

/// A file and its first bytes, by which it is told how it is packed.
fn open_head(path: &Path) -> Result<(File, Vec<u8>), IngestError> {
    let mut file = open_plain(path)?;
    let head = head_of(&mut file, 4).map_err(IngestError::read(path))?;
    Ok((file, head))
}

/// Opens a file, through gzip, zstd or zip if its first bytes say so.
pub fn open_raw(path: &Path) -> Result<Box<dyn Read + Send>, IngestError> {
    if let Some((archive, entry)) = within_zip(path) {
        return open_zipped(archive, open_plain(archive)?, Some(&entry));
    }
    match open_head(path)? {
        (file, head) if Packing::of(&head) == Packing::Zip => open_zipped(path, file, None),
        (file, head) => unpack(path, file, head),
    }
}

/// The same for a workbook, which is itself a zip.
pub fn open_raw_workbook(path: &Path) -> Result<Box<dyn Read + Send>, IngestError> {
    let (file, head) = open_head(path)?;
    unpack(path, file, head)
}

fn unpack(path: &Path, rest: File, head: Vec<u8>) -> Result<Box<dyn Read + Send>, IngestError> {
    let packing = Packing::of(&head);
    let whole = io::Cursor::new(head).chain(rest);
    Ok(match packing {
        Packing::Gzip => {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 18, whole)))
        }
        Packing::Zstd => Box::new(
            zstd::Decoder::new(BufReader::with_capacity(1 << 18, whole)).map_err(IngestError::read(path))?,
        ),
        Packing::None | Packing::Zip => Box::new(whole),
    })
}

/// Whether a zip is a workbook.
pub fn is_workbook(path: &Path) -> Result<bool, IngestError> {
    let Ok(archive) = zip::ZipArchive::new(BufReader::new(open_plain(path)?)) else { return Ok(false) };
    Ok(["xl/workbook.xml", "xl/workbook.bin", "mimetype"]
        .iter()
        .any(|name| archive.index_for_name(name).is_some()))
}

/// What holds the rows of an export, by its ending.
const DATA: [&str; 10] = ["csv", "tsv", "tab", "psv", "txt", "json", "jsonl", "ndjson", "dat", "html"];

/// The files of a zip that hold data, in the order of their names, and the other files; none where it is no zip, or is a workbook.
pub fn files_of_zip(path: &Path) -> Result<(Vec<String>, Vec<String>), IngestError> {
    let (file, head) = open_head(path)?;
    if Packing::of(&head) != Packing::Zip || is_workbook(path)? {
        return Ok((Vec::new(), Vec::new()));
    }
    drop(file);
    let broken = |e: zip::result::ZipError| IngestError::Format {
        path: path.to_owned(),
        format: "zip",
        message: e.to_string(),
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(open_plain(path)?)).map_err(broken)?;
    let mut names: Vec<String> = inside(&mut archive).map_err(broken)?.into_iter().map(|f| f.1).collect();
    names.sort();
    let is_data = |name: &String| {
        let prose = ["readme", "license", "licence", "lies_mich", "liesmich"];
        let plain = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
        DATA.contains(&ending) && !prose.iter().any(|p| plain.starts_with(p))
    };
    Ok(names.into_iter().partition(is_data))
}

/// The files of an archive by number and name, but for what macOS and Windows put beside them.
fn inside(
    archive: &mut zip::ZipArchive<BufReader<File>>,
) -> Result<Vec<(usize, String)>, zip::result::ZipError> {
    let mut inside = Vec::new();
    for i in 0..archive.len() {
        let entry = archive.by_index_raw(i)?;
        let name = entry.name()?.into_owned();
        let hidden = name.starts_with("__MACOSX/") || name.split('/').any(|part| part.starts_with('.'));
        if entry.is_file() && !hidden {
            inside.push((i, name));
        }
    }
    Ok(inside)
}

/// A file of a zip: the one that is named, or the only one.
fn open_zipped(path: &Path, file: File, named: Option<&str>) -> Result<Box<dyn Read + Send>, IngestError> {
    let wrong = |message: String| IngestError::Format { path: path.to_owned(), format: "zip", message };
    let broken = |e: zip::result::ZipError| wrong(e.to_string());
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let inside = inside(&mut archive).map_err(broken)?;
    let wanted: Vec<&(usize, String)> =
        inside.iter().filter(|(_, name)| named.is_none_or(|n| n == name)).collect();
    let [(index, _)] = wanted.as_slice() else {
        let names: Vec<&str> = inside.iter().take(10).map(|f| f.1.as_str()).collect();
        return Err(wrong(format!(
            "it holds {} files ({}); name those to read, such as {}/{}",
            inside.len(),
            names.join(", "),
            path.file_name().unwrap_or_default().to_string_lossy(),
            names.first().unwrap_or(&"orders.csv")
        )));
    };
    let (start, length, method, locked) = {
        let entry = archive.by_index_raw(*index).map_err(broken)?;
        (entry.data_start(), entry.compressed_size(), entry.compression(), entry.encrypted())
    };
    let start =
        start.filter(|_| !locked).ok_or_else(|| wrong("it is locked with a password; unpack it".into()))?;
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(IngestError::read(path))?;
    match method {
        zip::CompressionMethod::Stored => Ok(Box::new(file.take(length))),
        zip::CompressionMethod::Deflated => {
            Ok(Box::new(flate2::read::DeflateDecoder::new(file.take(length))))
        }
        other => Err(wrong(format!("it is packed by {other}; unpack it"))),
    }
}

/// Runs a foreign decoder that may panic on damaged input; a panic is `Err`, and is not printed.
pub fn quietly<T>(work: impl FnOnce() -> T + std::panic::UnwindSafe) -> Result<T, ()> {
    use std::sync::Once;
    thread_local!(static QUIET: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.with(std::cell::Cell::get) {
                loud(info);
            }
        }));
    });
    QUIET.with(|q| q.set(true));
    let done = std::panic::catch_unwind(work);
    QUIET.with(|q| q.set(false));
    done.map_err(|_| ())
}

/// Opens a text file as UTF-8, its lines ended by line feeds. Bytes that are not the stated encoding come through as they
/// are (UTF-8) or as U+FFFD (other encodings); the row reader rejects both.
pub fn open_text(path: &Path, encoding: &str) -> Result<Box<dyn Read + Send>, IngestError> {
    let (encoding, other) = encoding.split_once(" or ").map_or((encoding, None), |(e, o)| (e, Some(o)));
    let known = |name: &str| Encoding::for_label(name.trim().as_bytes());
    let (stated, other) = (known(encoding), other.map(known));
    let (Some(stated), Some(other)) = (stated, other.map_or(Some(None), |o| o.map(Some))) else {
        return Err(IngestError::config(
            "[input] encoding",
            format!("`{encoding}` is not a known encoding"),
            "use a name such as \"utf-8\", \"windows-1252\" or \"utf-8 or windows-1252\"",
        ));
    };
    let mut raw = open_raw(path)?;
    let head = head_of(&mut raw, 3).map_err(IngestError::read(path))?;
    let (encoding, mark) = Encoding::for_bom(&head).unwrap_or((stated, 0));
    let rest = io::Cursor::new(head[mark..].to_vec()).chain(raw);
    match other {
        Some(other) if encoding == UTF_8 => {
            let lines = LineByLine { source: BufReader::new(rest), other, line: Vec::new(), taken: 0 };
            return with_line_feeds(path, lines);
        }
        _ if encoding == UTF_8 => return with_line_feeds(path, rest),
        _ => {}
    }
    with_line_feeds(
        path,
        Decoding {
            source: rest,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; 1 << 16],
            text: Vec::new(),
            taken: 0,
            ended: false,
        },
    )
}

/// A text whose lines end with carriage returns alone, as old Macs wrote them, gets line feeds.
fn with_line_feeds(
    path: &Path,
    mut text: impl Read + Send + 'static,
) -> Result<Box<dyn Read + Send>, IngestError> {
    let head = head_of(&mut text, 1 << 16).map_err(IngestError::read(path))?;
    let alone = memchr(b'\n', &head).is_none() && memchr(b'\r', &head).is_some();
    let whole = io::Cursor::new(head).chain(text);
    Ok(if alone { Box::new(LineFeeds(whole)) } else { Box::new(whole) })
}

struct LineFeeds<R>(R);

impl<R: Read> Read for LineFeeds<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(out)?;
        out[..n].iter_mut().filter(|b| **b == b'\r').for_each(|b| *b = b'\n');
        Ok(n)
    }
}

/// Reads until the buffer is full or the source ends.
pub fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match source.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(k) => n += k,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// Puts up to so many more bytes of a source behind those held; whether it has ended.
pub fn append(source: &mut impl Read, held: &mut Vec<u8>, bytes: usize) -> io::Result<bool> {
    let from = held.len();
    held.resize(from + bytes, 0);
    let n = read_full(source, &mut held[from..])?;
    held.truncate(from + n);
    Ok(n < bytes)
}

/// The first bytes of a source, as many as there are up to a number.
pub fn head_of(source: &mut impl Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    append(source, &mut head, bytes)?;
    Ok(head)
}

/// Behind the end of the line that `at` is in.
pub fn line_end(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1)
}

/// How many lines end within a text.
pub fn line_ends(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// UTF-8 bytes of a source some of whose lines are in another encoding.
struct LineByLine<R> {
    source: BufReader<R>,
    other: &'static Encoding,
    line: Vec<u8>,
    taken: usize,
}

/// A line that is longer is decoded in pieces.
const LONGEST_LINE: u64 = 1 << 20;

impl<R: Read> Read for LineByLine<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.line.len() {
            self.line.clear();
            self.taken = 0;
            self.source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line)?;
            if std::str::from_utf8(&self.line).is_err() {
                self.line = self.other.decode_without_bom_handling(&self.line).0.into_owned().into_bytes();
            }
        }
        let n = out.len().min(self.line.len() - self.taken);
        out[..n].copy_from_slice(&self.line[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

/// UTF-8 bytes of a source in another encoding.
struct Decoding<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// Decoded, and taken up to `taken`.
    text: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> Decoding<R> {
    /// Decodes the next piece of the source.
    fn refill(&mut self) -> io::Result<()> {
        let n = self.source.read(&mut self.raw)?;
        self.ended = n == 0;
        // Room for the longest text that these bytes can become, so that one call takes them all.
        let room = self.decoder.max_utf8_buffer_length(n).unwrap_or(4 * n + 16);
        self.text.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&self.raw[..n], &mut self.text, self.ended);
        self.text.truncate(written);
        self.taken = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.ended {
            self.refill()?;
        }
        let n = out.len().min(self.text.len() - self.taken);
        out[..n].copy_from_slice(&self.text[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}
