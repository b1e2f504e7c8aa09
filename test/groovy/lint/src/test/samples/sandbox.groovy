def call(Map args) {
    def build = currentBuild.rawBuild // finds Sandbox
    def other = currentBuild.getRawBuild() // finds Sandbox
    new File('x').text = 'y' // finds Sandbox
    new URL('http://localhost').openConnection() // finds Sandbox
    'http://localhost'.toURL().text // finds Sandbox
    Class.forName('java.lang.String') // finds Sandbox
    args.metaClass.x = 1 // finds Sandbox
    echo(args.getClass().name) // finds Sandbox
    echo(String.class.name)
    System.getenv('HOME') // finds Sandbox
    echo("${System.currentTimeMillis()}")
    Thread.sleep(10) // finds Sandbox
    jenkins.model.Jenkins.instance.doSafeRestart() // finds Sandbox
    new groovy.json.JsonSlurperClassic().parseText('{}') // finds Sandbox
    'id'.execute() // finds Sandbox
    sh("curl ${args.url}") // finds Interpolation
    sh(script: "curl ${args.url}", returnStdout: true) // finds Interpolation
    sh('curl ' + args.url) // finds Interpolation
    sh("curl ${args.url}".toString()) // finds Interpolation
    sh 'curl "$URL"'
    sh(script: 'curl "$URL"', label: "asks ${args.url}")
    echo("the token is ${env.API_TOKEN}") // finds Interpolation
    echo("the token is ${env.API_TOKEN.toString()}") // finds Interpolation
    echo("the token is ${env.API_TOKEN ?: 'none'}") // finds Interpolation
    echo('the token is ' + env.API_TOKEN) // finds Interpolation
    echo('the token is ' + args['token']) // finds Interpolation
    echo('the token is ' + env.API_TOKEN.trim() + '.') // finds Interpolation
    echo('the token is '.concat(env.API_TOKEN)) // finds Interpolation
    echo(String.format('the token is %s', (String) args.password)) // finds Interpolation
    echo('the token has ' + env.API_TOKEN.length() + ' characters')
    echo("the build is ${env.BUILD_TAG}, with ${args.credentialsId}")
    return [build, other]
}

@SuppressWarnings('Interpolation')
def excused() {
    return [[name: 'Authorization', value: 'Bearer ' + env.API_TOKEN, maskValue: true]]
}
