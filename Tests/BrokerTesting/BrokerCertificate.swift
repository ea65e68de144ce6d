// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A certificate for `localhost` that signs itself, made with the openssl program.
enum BrokerCertificate {
    /// Writes `certificate.pem` and `key.pem` into the folder.
    static func make(in folder: BrokerFolder) throws {
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", "\(folder.path)/key.pem", "-out", "\(folder.path)/certificate.pem",
        ]
        let program = try ChildProgram(
            ChildProgram.path(of: "openssl"), arguments, environment: ["HOME": folder.path, "PATH": "/usr/bin:/bin"],
            output: "\(folder.path)/openssl.log")
        guard Eventually.isTrue(within: .seconds(30), { program.hasEnded }),
            access("\(folder.path)/certificate.pem", R_OK) == 0
        else { throw BrokerTestingError("openssl made no certificate\n\(program.outputEnd)") }
    }
}
