//! Text of the data, as it may be shown.

use std::borrow::Cow;

/// The text with a replacement character in place of whatever a terminal, a browser or an XML reader would take for a
/// command: control characters but the tab and the line feed, marks that turn the direction of writing, and code points
/// that are no characters.
///
/// Exports hold what strangers typed. Everything that is shown goes through here: the terminal, pages and pictures. Tables
/// keep the text as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !is_command(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_command(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
}

fn is_command(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => true,
        c => c.is_control(),
    }
}

/// Text as it may stand in HTML and XML: [`shown`], and what would be markup spelt out.
pub fn escaped(text: &str) -> String {
    shown(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The characters of a value that a message repeats.
pub const VALUE: usize = 80;

/// A text of at most so many characters, and a mark where it was cut.
pub fn shortened(value: &str, most: usize) -> Cow<'_, str> {
    match value.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &value[..end])),
        None => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_not_passed_on() {
        assert_eq!(shown("\u{1b}]0;title\u{7}"), "\u{FFFD}]0;title\u{FFFD}");
        assert_eq!(shown("a\u{9b}31m\u{202e}b\r"), "a\u{FFFD}31m\u{FFFD}b\u{FFFD}");
        // Line ends, tabs, and the joiner that Persian is written with stay.
        for plain in ["two\nlines\tand a tab", "می\u{200c}خواهم", "żółty 茶"] {
            assert!(matches!(shown(plain), Cow::Borrowed(text) if text == plain));
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(shortened(&"é".repeat(80), 80), "é".repeat(80));
        assert_eq!(shortened(&"é".repeat(81), 80), "é".repeat(80) + "…");
    }
}
