//! Settings that are defined once: with their keys, defaults and documentation, where the algorithm stands that they belong to. A
//! table of a config holds such parts beside keys of its own, and reads all of them from one level:
//!
//! ```
//! use serde::Serialize;
//! use tillwise_core::{settings, settings_table};
//!
//! settings! {
//!     /// Belongs to an algorithm.
//!     #[derive(Clone, Debug, PartialEq, Serialize)]
//!     pub struct Limits {
//!         /// Items, at most.
//!         pub max_items: usize = 5,
//!     }
//! }
//! settings! {
//!     /// A table of a config: `max_items` stands in it beside `title`.
//!     #[derive(Clone, Debug, PartialEq, Serialize)]
//!     pub struct Table {
//!         /// Its title.
//!         pub title: String = "baskets".to_owned(),
//!         ..
//!         /// The limits.
//!         pub limits: Limits,
//!     }
//! }
//! settings_table!(Table);
//!
//! let table: Table = serde_json::from_str(r#"{ "max_items": 3 }"#)?;
//! assert_eq!((table.title.as_str(), table.limits.max_items), ("baskets", 3));
//! assert!(serde_json::from_str::<Table>(r#"{ "most_items": 3 }"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! serde's own `flatten` would do the same, but it forgets where in the file a wrong value stands, and what its key is.

use std::fmt;
use std::marker::PhantomData;

pub use serde::de::MapAccess;
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// A struct whose fields are read one by one: made by [`settings!`](crate::settings!).
pub trait Keys: Default {
    /// The names of all keys, those of its parts included.
    fn names() -> Vec<&'static str>;

    /// Reads the value of a key. `false` if the key is none of its own; then nothing is read.
    ///
    /// # Errors
    /// If the value is not what the key takes.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads settings from a map. What is left out is by default.
///
/// # Errors
/// If a key is unknown, or a value is not what its key takes.
pub fn deserialize<'de, T: Keys, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Keys> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let (mut settings, names) = (T::default(), T::names());
        while let Some(key) = map.next_key_seed(Known(&names))? {
            settings.read(key, &mut map)?;
        }
        Ok(settings)
    }
}

/// Takes one of these names, in serde's words for those that are unknown: the error then points at the key.
#[derive(Clone, Copy)]
struct Known<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Known<'_> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Known<'_> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<&'static str, E> {
        self.0.iter().find(|known| **known == name).copied().ok_or_else(|| {
            E::custom(format!("unknown field `{name}`, expected one of `{}`", self.0.join("`, `")))
        })
    }
}

/// Defines settings: every field with its default, and after `..` the parts whose keys stand on the same level. See
/// [`settings`](mod@crate::settings).
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$of_field:meta])* pub $field:ident: $type:ty = $default:expr,)*
            $(.. $($(#[$of_part:meta])* pub $part:ident: $part_type:ty,)+)?
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
            $($($(#[$of_part])* #[serde(flatten)] pub $part: $part_type,)+)?
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($field: $default,)*
                    $($($part: <$part_type>::default(),)+)?
                }
            }
        }

        impl $crate::settings::Keys for $name {
            fn names() -> Vec<&'static str> {
                #[allow(unused_mut)]
                let mut names = vec![$(stringify!($field)),*];
                $($(names.extend(<$part_type as $crate::settings::Keys>::names());)+)?
                names
            }

            fn read<'de, A: $crate::settings::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $(stringify!($field) => self.$field = map.next_value()?,)*
                    _ => return Ok(false $($(|| $crate::settings::Keys::read(&mut self.$part, key, map)?)+)?),
                }
                Ok(true)
            }
        }
    };
}

/// Makes settings a table of a config: see [`settings`](mod@crate::settings).
#[macro_export]
macro_rules! settings_table {
    ($name:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::settings::deserialize(deserializer)
            }
        }
    };
}
