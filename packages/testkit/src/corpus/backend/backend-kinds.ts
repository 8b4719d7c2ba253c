/**
 * The servers that stand behind the proxy in place of the recorder: real ones, each with a parser of
 * its own. Each notes what it takes for a request and answers with the same words.
 */
import { join, resolve } from 'node:path';

/** Where a server lives while it is played with. */
export interface Place {
  readonly directory: string;
  readonly port: number;
  /** One line `METHOD TARGET` for each request. */
  readonly log: string;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Configuration, by its name in the directory. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface BackendKind {
  readonly name: string;
  /** Tells by its exit code whether the machine has it. */
  readonly probe: readonly [command: string, ...args: string[]];
  /** False if it notes a request before its body has come whole. */
  readonly notesWholeOnly: boolean;
  readonly launch: (place: Place) => Launch;
}

const apps = resolve(import.meta.dirname, 'apps');
// Debian's modules belong to Debian's interpreter, whatever comes first on the path.
const python = '/usr/bin/python3';

const inPython = (script: string, { log, port }: Place): Launch => ({
  command: python,
  args: [join(apps, script)],
  env: { SEEN_LOG: log, SEEN_PORT: String(port) },
});

export const backendKinds: readonly BackendKind[] = [
  {
    name: 'gunicorn',
    probe: ['gunicorn', '--version'],
    notesWholeOnly: true,
    launch: ({ log, port }) => ({
      command: 'gunicorn',
      args: [
        ...['--bind', `127.0.0.1:${port}`, '--threads', '4', '--keep-alive', '60'],
        ...['--pythonpath', apps, 'seen_wsgi:app'],
      ],
      env: { SEEN_LOG: log, PYTHONDONTWRITEBYTECODE: '1' },
    }),
  },
  {
    name: 'waitress',
    probe: [python, '-c', 'import waitress'],
    notesWholeOnly: true,
    launch: (place) => inPython('seen_wsgi.py', place),
  },
  {
    name: 'tornado',
    probe: [python, '-c', 'import tornado'],
    notesWholeOnly: true,
    launch: (place) => inPython('seen_tornado.py', place),
  },
  {
    name: 'http.server',
    probe: [python, '--version'],
    notesWholeOnly: true,
    launch: (place) => inPython('seen_http_server.py', place),
  },
  {
    name: 'nginx',
    probe: ['nginx', '-v'],
    notesWholeOnly: false,
    launch: (place) => ({
      command: 'nginx',
      args: ['-p', place.directory, '-c', join(place.directory, 'nginx.conf'), '-e', 'stderr'],
      files: { 'nginx.conf': nginxConf(place) },
    }),
  },
  {
    name: 'apache2',
    probe: ['apache2', '-v'],
    notesWholeOnly: false,
    launch: (place) => ({
      command: 'apache2',
      args: ['-X', '-f', join(place.directory, 'apache2.conf')],
      files: { 'apache2.conf': apacheConf(place) },
    }),
  },
  {
    name: 'lighttpd',
    probe: ['lighttpd', '-v'],
    notesWholeOnly: true,
    launch: (place) => ({
      command: 'lighttpd',
      args: ['-D', '-f', join(place.directory, 'lighttpd.conf')],
      env: { SEEN_LOG: place.log },
      files: { 'lighttpd.conf': lighttpdConf(place) },
    }),
  },
];

function nginxConf({ directory, log, port }: Place): string {
  return `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
events { worker_connections 256; }
http {
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  log_format seen escape=none '$request_method $request_uri';
  access_log ${log} seen if=$request_method;
  keepalive_requests 100000;
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "seen $request_method $request_uri"; }
  }
}
`;
}

function apacheConf({ directory, log, port }: Place): string {
  const modules = ['mpm_event', 'authz_core', 'headers'].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  return `
${modules.join('\n')}
ServerRoot ${directory}
ServerName seen
Listen 127.0.0.1:${port}
PidFile ${directory}/apache2.pid
User www-data
Group www-data
ErrorLog /dev/null
LogFormat "%m %U%q" seen
CustomLog ${log} seen
DocumentRoot ${directory}
MaxKeepAliveRequests 0
Header always set X-Seen "expr=seen %{REQUEST_METHOD} %{REQUEST_URI}"
`;
}

function lighttpdConf({ directory, port }: Place): string {
  return `
server.modules = ("mod_rewrite", "mod_setenv", "mod_cgi")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${apps}"
server.errorlog = "${directory}/lighttpd.log"
server.upload-dirs = ("${directory}")
server.max-keep-alive-requests = 100000
url.rewrite-once = ("" => "/seen_cgi.py")
setenv.set-environment = ("SEEN_LOG" => env.SEEN_LOG)
cgi.assign = (".py" => "${python}")
`;
}
