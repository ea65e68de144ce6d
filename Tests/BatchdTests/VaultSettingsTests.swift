// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles
import Testing

@testable import batchd

@Suite struct VaultSettingsTests {
    private func problems(_ change: (inout VaultStoreSettings) -> Void) -> [String] {
        var settings = VaultStoreSettings()
        settings.bucket = "bucket"
        settings.accessKey = "key"
        settings.secretKey = "secret"
        change(&settings)
        return settings.validate()
    }

    @Test func `a bucket with keys is enough, and without a bucket nothing is asked for`() throws {
        #expect(VaultStoreSettings().validate() == [])
        #expect(problems { _ in } == [])
        var settings = VaultStoreSettings()
        settings.bucket = "bucket"
        settings.region = "eu-central-1"
        let configuration = try settings.configuration()
        #expect(configuration.bucket == "bucket")
        #expect(configuration.credentials.sessionToken == nil)
        #expect(configuration.endpoint == (try S3Endpoint(.s3, region: "eu-central-1")))
    }

    @Test func `what cannot work is named with its setting`() {
        #expect(problems { $0.secretKey = "" } == ["vault.s3: access_key and secret_key must both be set"])
        #expect(
            problems { $0.bucket = "Bad" }.first?.hasPrefix("vault.s3: the address of bucket and prefix names") == true)
        #expect(problems { $0.prefix = "a\u{1}" }.first?.contains("control character") == true)
        #expect(
            problems { $0.endpoint = "store:9000" }.first?.hasPrefix("vault.s3.endpoint: the endpoint must") == true)
        #expect(
            problems {
                $0.endpoint = "http://10.0.0.1:9000"
                $0.usesPathStyle = false
            }.first?.contains("turn path_style on") == true)
        #expect(problems { $0.partBytes = 1 << 20 }.first?.contains("5MiB or more") == true)
        #expect(
            problems {
                $0.bucket = ""
                $0.endpoint = "https://store.example.com"
            } == ["vault.s3.bucket: is not set, but vault.s3.endpoint is: name the bucket"])
    }

    @Test func `files are in a directory or in a bucket, never in both`() {
        var settings = Settings()
        settings.vaultStore.bucket = "bucket"
        settings.vaultStore.accessKey = "key"
        settings.vaultStore.secretKey = "secret"
        #expect(settings.validate() == [])
        settings.vaultDirectory = "/srv/files"
        #expect(
            settings.validate() == [
                "vault.directory and vault.s3.bucket are both set: files can be in one of them only"
            ])
    }
}
