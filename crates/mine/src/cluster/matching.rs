//! The same label night after night: fresh clusters take the ids of the last run's that they overlap most.

/// For each row the column that it is matched to, so that the sum over the matches is as large as can be; each column once.
///
/// The assignment problem by shortest augmenting paths (Kuhn 1955, Munkres 1957; the form of Jonker & Volgenant 1987), in `O(n^3)`.
/// Rows that find no column, where there are fewer of those, have `None`.
pub fn assignment(gains: &[Vec<f64>]) -> Vec<Option<usize>> {
    let (rows, columns) = (gains.len(), gains.first().map_or(0, Vec::len));
    let n = rows.max(columns);
    let cost = |i: usize, j: usize| gains.get(i).and_then(|r| r.get(j)).map_or(0.0, |g| -g);
    // Potentials of rows and columns; `row_of[j]` is the row matched to column `j`, from 1, 0 for none.
    let (mut u, mut v, mut row_of) = (vec![0.0; n + 1], vec![0.0; n + 1], vec![0usize; n + 1]);
    for i in 1..=n {
        row_of[0] = i;
        let mut from = 0;
        let (mut least, mut way, mut seen) =
            (vec![f64::INFINITY; n + 1], vec![0usize; n + 1], vec![false; n + 1]);
        while row_of[from] != 0 {
            seen[from] = true;
            let row = row_of[from];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for j in (1..=n).filter(|j| !seen[*j]).collect::<Vec<_>>() {
                let reduced = cost(row - 1, j - 1) - u[row] - v[j];
                if reduced < least[j] {
                    (least[j], way[j]) = (reduced, from);
                }
                if least[j] < step {
                    (step, next) = (least[j], j);
                }
            }
            for j in 0..=n {
                if seen[j] {
                    u[row_of[j]] += step;
                    v[j] -= step;
                } else {
                    least[j] -= step;
                }
            }
            from = next;
        }
        while from != 0 {
            row_of[from] = row_of[way[from]];
            from = way[from];
        }
    }
    let mut matched = vec![None; rows];
    for (j, row) in row_of[1..=columns].iter().enumerate() {
        if let Some(m) = row.checked_sub(1).and_then(|i| matched.get_mut(i)) {
            *m = Some(j);
        }
    }
    matched
}
