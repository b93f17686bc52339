//! The system's clock. It can have any time: a machine without a battery starts in 1970, and a wrong clock can be years
//! ahead.

use std::time::{SystemTime, UNIX_EPOCH};

use orochi_protocol::Timestamp;
use uuid::Uuid;

/// The system's time, but not before 1970, and within the years that can be written.
pub fn system_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// A new UUIDv7. The library's own function reads the system's time and panics before 1970.
pub(crate) fn new_id() -> String {
    let millis = u64::try_from(system_clock().as_micros() / 1000).unwrap_or(0);
    let random = Uuid::new_v4().into_bytes();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&random[6..]);
    // The bits for version and variant replace random bits, so the first bytes are filled with random bits again.
    bytes[..2].copy_from_slice(&random[..2]);
    bytes[2] = random[2];
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_are_uuids_of_version_7_in_the_order_of_time() {
        let ids: Vec<Uuid> = (0..100).map(|_| Uuid::try_parse(&new_id()).unwrap()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let millis: Vec<u128> = ids.iter().map(|id| id.as_u128() >> 80).collect();
        assert!(millis.is_sorted());
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 100);
    }
}
