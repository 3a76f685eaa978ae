// The first server of @NAME@: counts its visitors in Redis, without any package.
'use strict';
const http = require('http');
const net = require('net');

function visits(done) {
	const socket = net.connect(6379, process.env.REDIS_HOST);
	let text = '';

	socket.setTimeout(2000, () => socket.destroy(new Error('Redis is silent')));
	socket.on('connect', () => socket.write('INCR @NAME@:visits\r\n'));
	socket.on('data', (data) => {
		text += data;
		if (text.endsWith('\r\n'))
			socket.end();
	});
	socket.on('error', (error) => done(error));
	socket.on('end', () => done(null, text.slice(1).trim()));
}

const server = http.createServer((request, response) => {
	visits((error, count) => {
		response.statusCode = error ? 503 : 200;
		response.setHeader('Content-Type', 'text/plain; charset=utf-8');
		response.end(error ? `Redis does not answer: ${error.message}\n`
			: `@NAME@ runs on Node ${process.version}; visits: ${count}\n`);
	});
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));
server.listen(3000, () => console.log('listening on 3000'));
