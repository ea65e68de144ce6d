// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// Where the programs under test and the tests' own scripts lie.
package enum Products {
    /// A program built together with the running tests: it lies next to the test bundle.
    package static func program(_ name: String) throws -> String {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = folder.appendingPathComponent(name).path
        // Some systems load the bundle into a program of the toolchain; then the bundle is an argument.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        let candidates =
            [path]
            + [bundle].compactMap { $0 }.map {
                URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent(name).path
            }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw HarnessError("\(name) was not built next to the tests: \(candidates)")
        }
        return found
    }

    /// The Python interpreter that has the packages of Tests/Python/requirements.txt.
    package static func python() throws -> String {
        let named = ProcessInfo.processInfo.environment["SHARDLINE_TEST_PYTHON"]
        let path = named ?? checkout.appendingPathComponent(".venv/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw HarnessError(
                "there is no Python with the tests' packages at \(path): run Deploy/test, which makes it")
        }
        return path
    }

    /// A script of Tests/Python.
    package static func script(_ name: String) -> String {
        checkout.appendingPathComponent("Tests/Python/\(name)").path
    }

    /// The root of the checkout.
    package static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
}
