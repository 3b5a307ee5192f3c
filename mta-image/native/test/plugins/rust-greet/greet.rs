//! A Rust plugin without bindings of its own making: greet(name) gives a greeting or throws.
use std::ffi::{c_char, c_int, c_void};

#[repr(C)]
pub struct Opaque {
    _private: [u8; 0],
}

type Function = extern "C" fn(*mut Opaque, *mut Opaque, *mut Opaque);

const VERSION: c_int = 560001;
const STRING: c_int = 3;
const EXCEPTION: c_int = 7;

extern "C" {
    fn HalonMTA_hsl_argument_get(args: *mut Opaque, index: usize) -> *mut Opaque;
    fn HalonMTA_hsl_value_get(value: *const Opaque, kind: c_int, out: *mut c_void, length: *mut usize) -> bool;
    fn HalonMTA_hsl_value_set(value: *mut Opaque, kind: c_int, value: *const c_void, length: usize) -> bool;
    fn HalonMTA_hsl_throw(context: *mut Opaque) -> *mut Opaque;
    fn HalonMTA_hsl_register_function(context: *mut Opaque, name: *const c_char, function: Option<Function>) -> bool;
}

fn set(value: *mut Opaque, kind: c_int, text: &str) {
    unsafe { HalonMTA_hsl_value_set(value, kind, text.as_ptr().cast(), text.len()) };
}

fn text(value: *const Opaque) -> Option<String> {
    let mut start: *const u8 = std::ptr::null();
    let mut length: usize = 0;
    let good = unsafe { HalonMTA_hsl_value_get(value, STRING, (&mut start as *mut *const u8).cast(), &mut length) };
    good.then(|| String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(start, length) }).into_owned())
}

#[no_mangle]
pub extern "C" fn Halon_version() -> c_int {
    VERSION
}

#[no_mangle]
pub extern "C" fn greet(context: *mut Opaque, args: *mut Opaque, ret: *mut Opaque) {
    match text(unsafe { HalonMTA_hsl_argument_get(args, 0) }) {
        Some(name) => set(ret, STRING, &format!("Hello, {name}!")),
        None => set(unsafe { HalonMTA_hsl_throw(context) }, EXCEPTION, "greet wants a name"),
    }
}

#[no_mangle]
pub extern "C" fn Halon_hsl_register(context: *mut Opaque) -> bool {
    unsafe { HalonMTA_hsl_register_function(context, c"greet".as_ptr(), Some(greet)) }
}
