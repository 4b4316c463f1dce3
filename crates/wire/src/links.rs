//! Links between aircraft, pilots and clouds, and what aircraft say of themselves to all.

pub(crate) mod aircraft;
pub(crate) mod arsdk;
pub(crate) mod bluetooth;
pub(crate) mod dji_cloud;
mod dji_crc;
mod droneid;
pub(crate) mod duml;
mod french_id;
pub mod mavlink;
mod remote_id;
pub(crate) mod tello;
pub(crate) mod wifi;
