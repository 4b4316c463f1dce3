//! Video and calls: who asks for what, and what is sent.

pub(crate) mod rtc;
mod rtcp;
pub(crate) mod rtmp;
mod rtp;
pub(crate) mod rtsp;
pub(crate) mod sdp;
pub(crate) mod sip;
mod stun;
