// Tokens that the other services trust: NAME.EXPIRY.SIGNATURE, signed with TOKEN_KEY.
'use strict';
const crypto = require('crypto');
const http = require('http');

const key = process.env.TOKEN_KEY;
const users = new Map([['demo', 'demo']]);

function sign(text) {
	return crypto.createHmac('sha256', key).update(text).digest('hex');
}

function issue(name) {
	const text = `${name}.${Math.floor(Date.now() / 1000) + 3600}`;
	return `${text}.${sign(text)}`;
}

function verify(token) {
	const [name, expiry, signature] = token.split('.');
	const wanted = Buffer.from(sign(`${name}.${expiry}`));
	const given = Buffer.from(signature || '');
	const genuine = wanted.length === given.length && crypto.timingSafeEqual(wanted, given);
	return genuine && Number(expiry) > Date.now() / 1000 ? name : null;
}

function answer(response, status, body) {
	response.writeHead(status, { 'content-type': 'application/json' });
	response.end(JSON.stringify(body) + '\n');
}

function login(request, response) {
	let body = '';
	request.on('data', (data) => {
		body += data;
		if (body.length > 4096) {
			request.destroy();
		}
	});
	request.on('end', () => {
		const form = new URLSearchParams(body);
		const password = users.get(form.get('user'));
		if (password === undefined || password !== form.get('password')) {
			return answer(response, 401, { error: 'wrong user or password' });
		}
		answer(response, 200, { token: issue(form.get('user')) });
	});
}

http.createServer((request, response) => {
	if (request.method === 'POST' && request.url === '/login') {
		return login(request, response);
	}
	if (request.url === '/verify') {
		const token = (request.headers.authorization || '').replace(/^Bearer /, '');
		const user = verify(token);
		return user ? answer(response, 200, { user }) : answer(response, 401, { error: 'no valid token' });
	}
	answer(response, request.url === '/' ? 200 : 404, { service: 'auth' });
}).listen(Number(process.env.PORT));
process.on('SIGTERM', () => process.exit(0));
