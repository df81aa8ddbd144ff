//! When two texts are one: blanks, invisible characters, composed letters, and the letters and digits of other scripts.

use std::borrow::Cow;

use memchr::memchr;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::numbers::{digit, is_mark_of_direction};

/// A text without blanks around it, without NUL and invisible characters, its letters composed (NFC).
pub fn tidy(text: &str) -> Cow<'_, str> {
    if text.bytes().fold(true, |all, b| all & (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text.trim_ascii());
    }
    let unseen = |c: char| c == '\0' || c == '\u{00AD}' || is_mark_of_direction(c);
    let text = text.trim_matches(|c: char| c.is_whitespace() || unseen(c));
    let text: Cow<'_, str> = if text.contains(unseen) {
        // The zero-width non-joiner (U+200C) belongs to Persian words.
        Cow::Owned(text.chars().filter(|c| *c == '\u{200C}' || !unseen(*c)).collect())
    } else {
        Cow::Borrowed(text)
    };
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text } else { Cow::Owned(text.nfc().collect()) }
}

/// An id as it names one thing: tidy, without Excel's guards (`="0012"`, `'0012`), with Western digits, and with Persian
/// letters where Arabic ones look the same.
pub fn id(text: &str) -> Cow<'_, str> {
    // Most ids are as they should be.
    if text.bytes().fold(true, |all, b| all & b.is_ascii_alphanumeric()) {
        return Cow::Borrowed(text);
    }
    let tidied = tidy(text);
    let guarded = tidied.strip_prefix("=\"").and_then(|t| t.strip_suffix('"'));
    let bare = guarded.or_else(|| tidied.strip_prefix('\'').filter(|t| !t.contains('\'')));
    let tidied = match bare {
        Some(bare) => Cow::Owned(bare.trim().to_owned()),
        None => tidied,
    };
    if tidied.is_ascii() {
        return match without_float_tail(&tidied).len() {
            n if n == tidied.len() => tidied,
            n => Cow::Owned(tidied[..n].to_owned()),
        };
    }
    let folded = |c: char| match c {
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        // Wide forms of Latin letters and signs.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        c => digit(c).unwrap_or(c),
    };
    if tidied.chars().any(|c| folded(c) != c || c == '\u{00A0}') {
        let text: String = tidied.chars().map(|c| if c == '\u{00A0}' { ' ' } else { folded(c) }).collect();
        return Cow::Owned(text);
    }
    tidied
}

/// Words in small letters, with Persian letters for the Arabic ones that stand for them in many exports.
pub fn lower(text: &str) -> String {
    text.to_lowercase().replace('ي', "ی").replace('ك', "ک")
}

/// A customer's id in small letters: always for e-mail addresses, and for others where the config says so.
pub fn customer(id: Cow<'_, str>, fold_case: bool) -> Cow<'_, str> {
    let folds = fold_case || memchr(b'@', id.as_bytes()).is_some();
    if folds && id.chars().any(char::is_uppercase) { Cow::Owned(id.to_lowercase()) } else { id }
}

/// An id that is a number: without thousands marks and leading zeros. Any other id stays as it is.
pub fn number(id: &str) -> Cow<'_, str> {
    let marks = |c: char| matches!(c, ',' | '.' | ' ' | '\'');
    let digits = id.chars().filter(|c| c.is_ascii_digit()).count();
    let is_number = digits > 0 && id.chars().all(|c| c.is_ascii_digit() || marks(c)) && in_groups(id);
    if !is_number {
        return Cow::Borrowed(id);
    }
    let plain: String = id.chars().filter(char::is_ascii_digit).collect();
    let short = plain.trim_start_matches('0');
    let short = if short.is_empty() { "0" } else { short };
    if short == id { Cow::Borrowed(id) } else { Cow::Owned(short.to_owned()) }
}

/// Whether marks part groups of three digits, if there are any.
fn in_groups(id: &str) -> bool {
    let mut groups = id.split(|c: char| !c.is_ascii_digit());
    groups.next().is_some_and(|g| !g.is_empty()) && groups.all(|g| g.len() == 3)
}

/// `13085` of `13085.0`: pandas turns ids into floats when some are missing.
pub fn without_float_tail(id: &str) -> &str {
    match id.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && !zeros.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit())
                && zeros.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_tails_go_and_other_ids_stay() {
        assert_eq!(without_float_tail("13085.0"), "13085");
        assert_eq!(without_float_tail("00042"), "00042");
        for id in ["1.5", "a.0", ".0", "1.", "1.0.0", "12 .0"] {
            assert_eq!(without_float_tail(id), id);
        }
    }

    #[test]
    fn what_cannot_be_two_customers_is_one() {
        for (text, one) in [
            ("C10162\u{a0}", "C10162"),
            ("\u{200b}C10162", "C10162"),
            ("SKU-1\0\0", "SKU-1"),
            ("Zoe\u{308} 1", "Zoë 1"),
            ("۱۰۱۶۲", "10162"),
            ("علي 1", "علی 1"),
            ("=\"0012\"", "0012"),
            ("'0012", "0012"),
            ("13085.0", "13085"),
            ("ＡＢ１２", "AB12"),
            ("می\u{200c}نا", "می\u{200c}نا"),
            ("O'Neil", "O'Neil"),
        ] {
            assert_eq!(id(text), one, "{text:?}");
        }
        let of = |text: &'static str, fold| customer(id(text), fold).into_owned();
        assert_eq!(of("Bo.Rook@Example.org ", false), "bo.rook@example.org");
        assert_eq!((of("C1x", false), of("C1x", true)), ("C1x".into(), "c1x".into()));
    }

    #[test]
    fn numbers_that_name_customers() {
        for (text, one) in [
            ("00010162", "10162"),
            ("10,162", "10162"),
            ("10162", "10162"),
            ("000", "0"),
            ("1,2", "1,2"),
            ("A01", "A01"),
        ] {
            assert_eq!(number(text), one, "{text}");
        }
    }
}
