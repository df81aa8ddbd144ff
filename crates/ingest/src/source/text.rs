//! Text files: opened, decompressed, decoded to UTF-8, cut at line ends.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use encoding_rs::{Decoder, Encoding, UTF_8};

use crate::IngestError;

/// Opens a file, through gzip or zstd if its first bytes say so.
pub fn open_raw(path: &Path) -> Result<Box<dyn Read + Send>, IngestError> {
    let mut file = File::open(path).map_err(IngestError::read(path))?;
    let mut magic = [0; 4];
    let n = read_full(&mut file, &mut magic).map_err(IngestError::read(path))?;
    let whole = io::Cursor::new(magic[..n].to_vec()).chain(file);
    Ok(match magic {
        [0x1f, 0x8b, ..] => {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 18, whole)))
        }
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(
            zstd::Decoder::new(BufReader::with_capacity(1 << 18, whole)).map_err(IngestError::read(path))?,
        ),
        _ => Box::new(whole),
    })
}

/// Opens a text file as UTF-8. Bytes that are not the stated encoding come through as they are (UTF-8)
/// or as U+FFFD (other encodings); the row reader rejects both.
pub fn open_text(path: &Path, encoding: &str) -> Result<Box<dyn Read + Send>, IngestError> {
    let Some(stated) = Encoding::for_label(encoding.as_bytes()) else {
        return Err(IngestError::config(
            "[input] encoding",
            format!("`{encoding}` is not a known encoding"),
            "use a name such as \"utf-8\", \"windows-1252\" or \"windows-1256\"",
        ));
    };
    let mut raw = open_raw(path)?;
    let mut head = [0; 3];
    let n = read_full(&mut raw, &mut head).map_err(IngestError::read(path))?;
    let (encoding, mark) = Encoding::for_bom(&head[..n]).unwrap_or((stated, 0));
    let rest = io::Cursor::new(head[mark.min(n)..n].to_vec()).chain(raw);
    if encoding == UTF_8 {
        return Ok(Box::new(rest));
    }
    Ok(Box::new(Decoding {
        source: rest,
        decoder: encoding.new_decoder_without_bom_handling(),
        raw: vec![0; 1 << 16],
        text: Vec::new(),
        taken: 0,
        ended: false,
    }))
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
