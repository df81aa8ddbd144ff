//! What names of columns and values of states say, in the languages of exports.

mod names;
mod parts;
mod values;

pub use names::*;
pub use parts::*;
pub use values::*;

use std::borrow::Cow;

use crate::identity::lower;

/// Words by how much they say for a part. `~` before a word finds it within longer ones, as German builds them.
pub type Lexicon = &'static [(i32, &'static [&'static str])];

/// What speaks for a part and what speaks against it.
pub struct Part {
    pub words: Lexicon,
    /// Words that make a number, a code or an address of what the others name.
    pub with: Lexicon,
    pub against: &'static [&'static str],
}

/// A letter in small; the Turkish dotted capital without a dot of its own behind it.
fn small(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().filter(|c| *c != '\u{307}')
}

/// The words of a name: in small letters, parted at signs, blanks and capital letters.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let chars: Vec<char> = name.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        if *c == '#' || *c == '%' {
            words.push(c.to_string());
            open = false;
            continue;
        }
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        let before = i.checked_sub(1).map(|b| chars[b]);
        let after = chars.get(i + 1);
        let hump = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(|a| a.is_lowercase())));
        let number = before.is_some_and(|b| b.is_numeric() != c.is_numeric());
        match words.last_mut() {
            Some(word) if open && !hump && !number => word.extend(small(*c)),
            _ => words.push(small(*c).collect()),
        }
        open = true;
    }
    words
}

fn holds(words: &[String], whole: &str, phrase: &str) -> bool {
    if let Some(stem) = phrase.strip_prefix('~') {
        return words.iter().any(|w| w.contains(stem));
    }
    if !phrase.is_ascii() && phrase.chars().any(|c| !c.is_alphabetic() || c as u32 > 0x0590) {
        // Letters that Arabic and Persian write differently are folded in the name, so in the phrase too.
        return whole.contains(&lower(phrase));
    }
    if phrase.contains(' ') {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        return words.windows(wanted.len()).any(|w| w.iter().zip(&wanted).all(|(a, b)| a == b))
            || words.iter().any(|w| *w == wanted.concat());
    }
    words.iter().any(|w| w == phrase)
}

/// How names say that a sum is with tax or without.
const WITH_TAX: &[&str] = &[
    "(inc tax)", "(inc. tax)", "(incl tax)", "(incl. tax)", "(including tax)", "(ex tax)", "(ex. tax)",
    "(excl tax)", "(excl. tax)", "(excluding tax)", "(tax incl.)", "(tax excl.)", "(inkl. mwst)",
    "(exkl. mwst)",
];

/// Whether tax is in a sum says how it is counted, not what it is.
fn without_tax_words(name: &str) -> Cow<'_, str> {
    let small = name.to_ascii_lowercase();
    match WITH_TAX.iter().find_map(|phrase| Some((small.find(phrase)?, phrase.len()))) {
        Some((at, length)) => Cow::Owned(format!("{}{}", &name[..at], &name[at + length..])),
        None => Cow::Borrowed(name),
    }
}

/// How much a name says for a part; `None` if nothing does, or something speaks against it.
pub fn fit(name: &str, part: &Part) -> Option<i32> {
    let name = without_tax_words(name);
    let words = words(&name);
    let whole = lower(&name).replace('\u{307}', "");
    let found = |lexicon: Lexicon| -> Vec<i32> {
        let said = |list: &[&str]| list.iter().any(|w| holds(&words, &whole, w));
        lexicon.iter().filter(|(_, list)| said(list)).map(|(n, _)| *n).collect()
    };
    let best = found(part.words).into_iter().max()?;
    let with = found(part.with);
    let with =
        with.iter().copied().max().unwrap_or(0).max(0) + with.iter().copied().min().unwrap_or(0).min(0);
    let against = part.against.iter().filter(|w| holds(&words, &whole, w)).count() as i32;
    // `E-Mail-Adresse` is an address that names one person.
    let mailed = words.iter().any(|w| w == "mail" || w == "email");
    let against = if mailed {
        against - i32::from(words.iter().any(|w| w.starts_with("adress") || w == "address"))
    } else {
        against
    };
    if against > 0 {
        return None;
    }
    // A plain name is likelier meant than one of many words.
    Some(10 * (best + with) - words.len() as i32).filter(|n| *n > -10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parted_into_words() {
        assert_eq!(words("InvoiceNo"), ["invoice", "no"]);
        assert_eq!(words("user_pseudo_id"), ["user", "pseudo", "id"]);
        assert_eq!(words("Item #"), ["item", "#"]);
        assert_eq!(words("SKUCode"), ["sku", "code"]);
        assert_eq!(words("Gross Debit (GC)"), ["gross", "debit", "gc"]);
    }

    #[test]
    fn parts_of_words_are_not_words() {
        assert!(fit("discount_amount", &QUANTITY).is_none(), "dis-count");
        assert!(fit("account_id", &QUANTITY).is_none() && fit("country", &QUANTITY).is_none());
        assert!(fit("discount_amount", &AMOUNT).is_none() && fit("Tax Amount", &AMOUNT).is_none());
        assert!(fit("loyalty_value", &AMOUNT).is_none() && fit("order_id", &AMOUNT).is_none());
        assert!(fit("sale price", &PRICE) > fit("price", &PRICE) && fit("list price", &PRICE).is_none());
        assert!(fit("Net Value", &AMOUNT) > fit("value", &AMOUNT));
        assert!(fit("Account Manager", &CUSTOMER).is_none() && fit("Customer Country", &CUSTOMER).is_none());
        assert!(fit("Absender E-Mail-Adresse", &CUSTOMER).is_some());
        assert!(fit("Order Status", &ORDER).is_none() && fit("Doc No", &ORDER).is_some());
        assert!(
            fit("birth_date", &DATE).is_none()
                && fit("updated_at", &DATE).is_none()
                && fit("sold_on", &DATE).is_some()
        );
        assert!(
            fit("Bestellnummer", &ORDER).is_some()
                && fit("会員ID", &CUSTOMER).is_some()
                && fit("مبلغ کل (تومان)", &AMOUNT).is_some()
        );
    }

    #[test]
    fn states_in_many_languages() {
        for (value, meant) in [
            ("Canceled", State::None),
            ("page_view", State::None),
            ("Refunded", State::Back),
            ("shipped", State::Sale),
            ("تکمیل شده", State::Sale),
            ("لغو شده", State::None),
            ("交易成功", State::Sale),
            ("Payment failed", State::None),
            ("blue", State::Open),
        ] {
            assert_eq!(state(value), meant, "{value}");
        }
    }
}
