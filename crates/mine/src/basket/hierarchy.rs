//! Products and their categories: rolled up, or mixed in one set (Srikant & Agrawal 1995).

use super::Baskets;
use crate::MineError;

/// For each node its ancestors, the nearest first. `parent[node]` is the node above, if there is one.
///
/// # Errors
/// If a node is its own ancestor: the nodes of the circle.
pub fn ancestors(parent: &[Option<u32>]) -> Result<Vec<Vec<u32>>, Vec<u32>> {
    let mut above = Vec::with_capacity(parent.len());
    for start in 0..parent.len() {
        let mut chain = Vec::new();
        let mut at = parent[start];
        while let Some(node) = at {
            chain.push(node);
            if node as usize == start {
                return Err(chain);
            }
            // A circle further up is met again, and told, when its own nodes have their turn.
            if chain.len() > parent.len() {
                break;
            }
            at = parent.get(node as usize).copied().flatten();
        }
        above.push(chain);
    }
    Ok(above)
}

/// Each item replaced by its topmost ancestor; items without one stay.
///
/// # Errors
/// If `ancestors` does not fit the baskets.
pub fn roll_up(baskets: &Baskets, ancestors: &[Vec<u32>]) -> Result<Baskets, MineError> {
    let top = |item: u32| ancestors.get(item as usize).and_then(|a| a.last()).copied().unwrap_or(item);
    let lists = baskets.iter().map(|b| b.iter().map(|i| top(*i)).collect::<Vec<u32>>());
    Baskets::from_lists(lists, baskets.items())
}

/// Each basket with the ancestors of its items added. Mine it with [`apart`], else every item makes a set with its category.
///
/// # Errors
/// If `ancestors` does not fit the baskets.
pub fn mixed(baskets: &Baskets, ancestors: &[Vec<u32>]) -> Result<Baskets, MineError> {
    let lists = baskets.iter().map(|b| {
        let above = b.iter().flat_map(|i| ancestors.get(*i as usize).into_iter().flatten());
        b.iter().chain(above).copied().collect::<Vec<u32>>()
    });
    Baskets::from_lists(lists, baskets.items())
}

/// For each item, those that may not stand in a set with it: its ancestors and the items below it.
pub fn apart(ancestors: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut apart = ancestors.to_vec();
    for (item, above) in ancestors.iter().enumerate() {
        for node in above {
            if let Some(list) = apart.get_mut(*node as usize) {
                list.push(item as u32);
            }
        }
    }
    apart
}
