//! The envelope in which every fitted model is kept: readable JSON with a format version.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Day;

/// The numbers of a fitted model: what `score` needs and nothing else.
pub trait Parameters: Serialize + DeserializeOwned {
    /// The analysis that the parameters belong to, for example `"rfm"`.
    const KIND: &'static str;
    /// Raised whenever the meaning or the layout of the parameters changes.
    const VERSION: u32;

    /// Checks numbers that come from a file, which anyone may have edited.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    fn check(&self) -> Result<(), String>;
}

/// A fitted model as it lies on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile<P> {
    /// [`Parameters::KIND`].
    pub kind: String,
    /// [`Parameters::VERSION`].
    pub version: u32,
    /// The day of the picture that the model was fitted on; none where a table has no day.
    pub fitted_as_of: Option<Day>,
    /// The customers that it was fitted on.
    pub fitted_on: usize,
    /// What `score` needs.
    pub parameters: P,
    /// What a reader wants to know of the fit: diagnostics, metrics, warnings. `score` ignores it.
    pub report: serde_json::Value,
}

impl<P: Parameters> ModelFile<P> {
    /// Wraps freshly fitted parameters.
    pub fn new(
        fitted_as_of: Option<Day>,
        fitted_on: usize,
        parameters: P,
        report: serde_json::Value,
    ) -> Self {
        ModelFile {
            kind: P::KIND.to_owned(),
            version: P::VERSION,
            fitted_as_of,
            fitted_on,
            parameters,
            report,
        }
    }

    /// The file's name inside a model folder: `rfm.json` and the like.
    pub fn file_name() -> String {
        format!("{}.json", P::KIND)
    }

    /// Writes the model into `folder` and returns the path.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, ModelError> {
        let path = folder.join(Self::file_name());
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| ModelError::Malformed { path: path.clone(), source })?;
        text.push('\n');
        fs::write(&path, text).map_err(|source| ModelError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// Reads the model of this kind from `folder`.
    ///
    /// # Errors
    /// If the file is missing, is not such a model, or has another format version.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
            version: u32,
        }
        let path = folder.join(Self::file_name());
        let text =
            fs::read_to_string(&path).map_err(|source| ModelError::Io { path: path.clone(), source })?;
        let malformed = |source| ModelError::Malformed { path: path.clone(), source };
        let head: Head = serde_json::from_str(&text).map_err(malformed)?;
        if head.kind != P::KIND || head.version != P::VERSION {
            return Err(ModelError::Version {
                path,
                expected: format!("{} version {}", P::KIND, P::VERSION),
                found: format!("{} version {}", head.kind, head.version),
            });
        }
        let file: Self = serde_json::from_str(&text).map_err(malformed)?;
        file.parameters.check().map_err(|problem| ModelError::Damaged { path: path.clone(), problem })?;
        Ok(file)
    }
}

/// Reads a number that JSON has no word for: null stands for NaN.
///
/// # Errors
/// If it is neither a number nor null.
pub fn number_or_nan<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Why a model file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file could not be read or written.
    #[error("cannot access the model file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not the JSON of such a model.
    #[error("{} is not a model of this kind: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        source: serde_json::Error,
    },
    /// The numbers in the file do not make a model.
    #[error("{} is damaged: {problem}; fit it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file holds another kind of model, or another version of its format.
    #[error("{} holds {found}, but {expected} is needed; fit it again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: String,
        /// What is there.
        found: String,
    },
}
