//! k-means behind linfa's traits, so that it can stand wherever one of linfa's own clusterers does.

use linfa::DatasetBase;
use linfa::traits::{Fit, FitWith, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, Data, Ix2};

use super::{MiniBatch, Steps, assign, fit};
use crate::MineError;

/// A clusterer: `fit` runs every start to its end on the whole data set, `fit_with` learns from a batch.
///
/// ```
/// use linfa::{DatasetBase, traits::{Fit, Predict}};
/// use tillwise_mine::cluster::kmeans::{KMeans, Steps};
///
/// let points = ndarray::array![[0.0, 0.1], [0.2, 0.0], [9.0, 9.1], [9.2, 9.0]];
/// let centres = KMeans { k: 2, steps: Steps::default() }.fit(&DatasetBase::from(points.clone()))?;
/// let labels = centres.predict(&points);
/// assert!(labels[0] == labels[1] && labels[2] == labels[3] && labels[0] != labels[2]);
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    /// Centres.
    pub k: usize,
    /// How they are fitted.
    pub steps: Steps,
}

/// What [`KMeans`] finds: centres, shape `(k, features)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Centres(pub Array2<f64>);

impl<D: Data<Elem = f64>, T> Fit<ArrayBase<D, Ix2>, T, MineError> for KMeans {
    type Object = Centres;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Centres, MineError> {
        fit(dataset.records.view(), self.k, &self.steps).map(|f| Centres(f.centres))
    }
}

impl<'a, D: Data<Elem = f64> + 'a, T: 'a> FitWith<'a, ArrayBase<D, Ix2>, T, MineError> for KMeans {
    type ObjectIn = Option<MiniBatch>;
    type ObjectOut = MiniBatch;

    fn fit_with(
        &self,
        model: Option<MiniBatch>,
        dataset: &'a DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<MiniBatch, MineError> {
        let batch = dataset.records.view();
        let mut model = match model {
            Some(model) => model,
            None => MiniBatch::new(fit(batch, self.k, &Steps { max_iterations: 0, ..self.steps })?.centres),
        };
        model.step(batch);
        Ok(model)
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for Centres {
    fn predict_inplace(&self, points: &ArrayBase<D, Ix2>, labels: &mut Array1<usize>) {
        *labels = assign(points.view(), &self.0).into_iter().map(|l| l as usize).collect();
    }

    fn default_target(&self, points: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(points.nrows())
    }
}
