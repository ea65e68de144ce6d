// SPDX-License-Identifier: Apache-2.0

/// Bytes that outlive a transfer without being copied: an owner object and a view into what it owns.
///
/// Copying the value retains the owner, so the view stays valid as long as any copy lives.
package struct SharedBytes: @unchecked Sendable {
    // Unchecked because of the raw pointer: the bytes are never written after construction (the caller's promise).
    private let owner: any AnyObject & Sendable
    private let view: UnsafeRawBufferPointer

    /// Takes over an array. No bytes are copied.
    package init(_ array: [UInt8]) {
        let box = ArrayBox(array)
        owner = box
        // A native array keeps its elements in one heap object that does not move while it is retained, and the
        // box retains it unchanged.
        view = box.array.withUnsafeBytes { $0 }
    }

    /// Views memory that `owner` keeps alive and unchanged.
    ///
    /// - Parameter view: valid and constant as long as `owner` exists.
    package init(owner: any AnyObject & Sendable, _ view: UnsafeRawBufferPointer) {
        self.owner = owner
        self.view = view
    }

    /// Number of bytes.
    package var count: Int { view.count }

    /// Calls `body` with the bytes; the pointer must not escape it.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(view)
    }

    /// First byte, for libcurl, which reads while this value is retained by its transfer. Nil when empty.
    var base: UnsafeRawPointer? { view.count == 0 ? nil : view.baseAddress }
}

/// Keeps an array's storage alive.
private final class ArrayBox: Sendable {
    let array: [UInt8]

    init(_ array: [UInt8]) { self.array = array }
}
